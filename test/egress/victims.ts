import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, type Server } from 'node:net';

/** Loopback of both families: where an attempt is meant to arrive unless it says otherwise. */
const LOOPBACK = ['127.0.0.1', '::1'] as const;
const ANSWER =
  'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: 26\r\nConnection: close\r\n\r\n<title>Secret</title>hello';
/** Chromium itself refuses some ports below; free ones above are none of them. */
const FIRST_PORT = 31_000;
const PORTS = 1_500;

/** Something that a session may not reach: it counts who has come, whatever they say. */
export interface Victim {
  readonly port: number;
  /** TCP connections accepted so far, and UDP datagrams. */
  readonly arrived: { tcp: number; udp: number };
}

/** Whether what went wrong only means that a port, or an address of the other family, is not to be had. */
function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

async function listenTcp(port: number, host: string, arrived: Victim['arrived']): Promise<Server> {
  const server = createServer((socket) => {
    arrived.tcp += 1;
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(ANSWER));
  });
  const listening = Promise.withResolvers<void>();
  server.once('error', listening.reject);
  server.listen(port, host, listening.resolve);
  await listening.promise;
  return server;
}

async function listenUdp(port: number, host: string, arrived: Victim['arrived']): Promise<UdpSocket> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4', () => (arrived.udp += 1));
  const listening = Promise.withResolvers<void>();
  socket.once('error', listening.reject);
  socket.bind(port, host, listening.resolve);
  await listening.promise;
  return socket;
}

/** Listens on one port of all these addresses; undefined when somebody else has it. `stack` ends it. */
async function tryPort(
  stack: AsyncDisposableStack,
  port: number,
  hosts: readonly string[],
): Promise<Victim | undefined> {
  const arrived = { tcp: 0, udp: 0 };
  await using owned = new AsyncDisposableStack();
  for (const host of hosts) {
    try {
      const server = await listenTcp(port, host, arrived);
      owned.defer(() => void server.close());
      const socket = await listenUdp(port, host, arrived);
      owned.defer(() => void socket.close());
    } catch (error) {
      if (codeOf(error) === 'EADDRINUSE') return undefined;
      // A machine without IPv6 has one victim less.
      if (codeOf(error) !== 'EADDRNOTAVAIL' || host !== '::1') throw error;
    }
  }
  stack.use(owned.move());
  return { port, arrived };
}

/** Gives out victims, each on a port of its own: by the port it is known which attempt has come. */
export class VictimRow {
  readonly #stack: AsyncDisposableStack;
  #next = FIRST_PORT + Math.floor(Math.random() * (PORTS - 500));

  /** `stack` ends its victims. */
  constructor(stack: AsyncDisposableStack) {
    this.#stack = stack;
  }

  /** A victim on loopback, or on these addresses. */
  async open(hosts: readonly string[] = LOOPBACK): Promise<Victim> {
    for (let tries = 0; tries < PORTS; tries += 1) {
      this.#next += 1;
      const victim = await tryPort(this.#stack, this.#next, hosts);
      if (victim !== undefined) return victim;
    }
    throw new Error('There is no free port for a victim');
  }
}
