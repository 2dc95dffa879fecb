import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

import { WebSocket } from 'ws';

/** Answers that together are more than all buffers between a browser and a client that does not read. */
const BIG_ANSWERS = 8;
const BIG_ANSWER_CHARACTERS = 4_000_000;

/** A WebSocket client that can misbehave below the protocol. */
interface VanishingClient extends Disposable {
  readonly socket: WebSocket;
  readonly connection: Socket;
}

function open(url: string): VanishingClient {
  const { hostname, port } = new URL(url);
  const connection = connect(Number(port), hostname);
  // What breaks here is broken on purpose, or noticed by who waits for `open`.
  connection.on('error', () => undefined);
  const socket = new WebSocket(url, { perMessageDeflate: false, createConnection: () => connection });
  socket.on('error', () => undefined);
  return { socket, connection, [Symbol.dispose]: () => socket.terminate() };
}

async function opened({ socket }: VanishingClient): Promise<void> {
  if (socket.readyState === WebSocket.OPEN) return;
  const failed = Promise.withResolvers<never>();
  socket.once('error', (cause) => failed.reject(new Error('The connection could not be opened', { cause })));
  await Promise.race([once(socket, 'open'), failed.promise]);
}

async function attachToPage({ socket }: VanishingClient): Promise<string> {
  const attached = Promise.withResolvers<string>();
  socket.once('close', () => attached.reject(new Error('The connection was closed before a page was attached to')));
  socket.on('message', (data: Buffer) => {
    const { method, params } = JSON.parse(data.toString()) as { method?: string; params?: { sessionId: string } };
    if (method === 'Target.attachedToTarget') attached.resolve(params?.sessionId ?? '');
  });
  const filter = [{ type: 'page' }];
  const params = { autoAttach: true, waitForDebuggerOnStart: false, flatten: true, filter };
  socket.send(JSON.stringify({ id: 0, method: 'Target.setAutoAttach', params }));
  return attached.promise;
}

/** Sends a TCP reset in place of every goodbye. */
function reset({ connection }: VanishingClient): void {
  if (!connection.destroyed) connection.resetAndDestroy();
}

/** Connects, asks one thing, and is gone by a TCP reset before the answer. @throws when it cannot connect */
export async function vanishByReset(url: string): Promise<void> {
  using client = open(url);
  await opened(client);
  client.socket.send(JSON.stringify({ id: 1, method: 'Target.getTargets' }));
  reset(client);
}

/**
 * Connects and stops reading, asks for far more than the buffers on the way hold, and is gone by a TCP reset `afterMs` later.
 *
 * @throws when it cannot connect
 */
export async function vanishWithoutReading(url: string, afterMs: number): Promise<void> {
  using client = open(url);
  await opened(client);
  const sessionId = await attachToPage(client);
  client.socket.pause();
  const params = { expression: `'x'.repeat(${BIG_ANSWER_CHARACTERS})` };
  for (let id = 1; id <= BIG_ANSWERS; id += 1) {
    client.socket.send(JSON.stringify({ id, method: 'Runtime.evaluate', params, sessionId }));
  }
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  reset(client);
}

/** Begins a handshake and is gone `afterMs` later, finished or not. */
export async function vanishInHandshake(url: string, afterMs: number): Promise<void> {
  using client = open(url);
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  reset(client);
}
