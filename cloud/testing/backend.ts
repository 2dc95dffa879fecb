import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';

const WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** What a node was asked. */
interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly bodyBytes: number;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A small node: it answers what it was asked, and after an upgrade sends back every byte. */
export class Backend {
  readonly received: Received[] = [];
  connections = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(server: Server) {
    this.#server = server;
  }

  /** @param handler answers in place of the usual answer, after the request was read */
  static async start(stack: AsyncDisposableStack, handler?: Handler): Promise<Backend> {
    const server = createServer({ keepAliveTimeout: 72_000 });
    const backend = stack.adopt(new Backend(server), (each) => each.stop());
    server.on('connection', (socket: Socket) => backend.#add(socket));
    server.on('request', (request, response) => void backend.#answer(request, response, handler));
    server.on('upgrade', (request, socket: Socket) => backend.#upgrade(request, socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return backend;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('Not listening');
    return address.port;
  }

  /** Ends the node as a kill would: nothing is answered any more, and connections are cut. May be called twice. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #add(socket: Socket): void {
    this.connections += 1;
    this.#sockets.add(socket);
    socket.on('error', () => undefined); // The gateway, or a test, has cut it.
    socket.once('close', () => this.#sockets.delete(socket));
  }

  #note({ method = '', url = '', headers }: IncomingMessage, bodyBytes: number): void {
    this.received.push({ method, url, headers, bodyBytes });
  }

  async #answer(request: IncomingMessage, response: ServerResponse, handler: Handler | undefined): Promise<void> {
    const body = await buffer(request).catch(() => Buffer.alloc(0));
    this.#note(request, body.length);
    if (handler !== undefined) {
      handler(request, response);
      return;
    }
    response.setHeader('content-type', 'application/json; charset=utf-8');
    response.setHeader('x-powered-by', 'a name nobody needs');
    response.setHeader('x-request-id', String(request.headers['x-request-id']));
    response.end(JSON.stringify({ node: this.port, method: request.method, url: request.url }));
  }

  #upgrade(request: IncomingMessage, socket: Socket): void {
    this.#note(request, 0);
    if (request.url?.includes('refuse')) {
      socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Type: application/problem+json\r\nContent-Length: 2\r\n\r\n{}');
      return;
    }
    const accept = createHash('sha1')
      .update(`${request.headers['sec-websocket-key']}${WEBSOCKET_GUID}`)
      .digest('base64');
    const head = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade'];
    socket.write([...head, `Sec-WebSocket-Accept: ${accept}`, '\r\n'].join('\r\n'));
    socket.pipe(socket);
  }
}

const SILENT_NODE = `
  const server = require('node:net').createServer();
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(server.address().port));
`;

/**
 * A node that does not even refuse, like a container that is gone: a stopped process whose queue of connections is full.
 * @returns its port
 */
export async function startSilentNode(stack: AsyncDisposableStack): Promise<number> {
  const child: ChildProcess = spawn(process.execPath, ['-e', SILENT_NODE], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  stack.defer(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const [line] = (await once(child.stdout ?? child, 'data')) as [Buffer];
  const port = Number(line.toString());
  child.kill('SIGSTOP');
  // One more than its queue takes, so that the next one waits.
  for (let count = 0; count < 3; count += 1) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    stack.defer(() => void socket.destroy());
  }
  return port;
}

/** A node that takes each request and breaks off in place of an answer. */
export function breakOff(request: IncomingMessage): void {
  request.socket.destroy();
}
