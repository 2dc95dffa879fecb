import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

import { describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';

import { KEYLESS } from '../../lib/actor.ts';
import { TypedEmitter } from '../../lib/typed-emitter.ts';
import { silentLogger } from '../../platform/logger/logger.ts';
import { until } from '../../testing/until.ts';
import type { SessionEvents } from '../sessions/index.ts';
import { RealtimeConnection } from './realtime-connection.ts';
import { REALTIME_LIMITS } from './realtime-limits.ts';
import type { RealtimeHandlers } from './realtime-methods.ts';
import { RpcDispatcher } from './rpc-dispatcher.ts';

const MIB = 1024 ** 2;
/** Several times what the buffers of both ends of a connection on loopback take. */
const LARGE = 'x'.repeat(48 * MIB);

/** Both ends of a connection over a real socket; its methods all answer with `LARGE`. */
async function connect(
  stack: AsyncDisposableStack,
  options: { readonly autoPong?: boolean } = {},
): Promise<{ client: WebSocket; connection: RealtimeConnection; calls: () => number }> {
  let calls = 0;
  const answer = async (): Promise<never> => {
    calls += 1;
    return LARGE as never;
  };
  const handlers = new Proxy({} as RealtimeHandlers, { get: () => answer });
  const dispatcher = new RpcDispatcher({
    handlers,
    compileCheck: () => () => undefined,
    logger: silentLogger,
    onAnswered: () => undefined,
  });
  const deps = {
    dispatcher,
    feed: { open: () => Promise.reject(new Error('there are no feeds here')) },
    events: new TypedEmitter<SessionEvents>(() => undefined),
    limits: { ...REALTIME_LIMITS, callsAtOnce: 1, unsentBytes: 64 * MIB, stallMs: 100 },
  };
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  stack.defer(() => void server.close());
  await once(server, 'listening');
  const arrived = Promise.withResolvers<RealtimeConnection>();
  server.once('connection', (socket) => {
    const connection = new RealtimeConnection(deps, socket, {
      origin: 'ws://localhost',
      actor: KEYLESS,
      ended: new AbortController().signal,
    });
    void connection.run();
    arrived.resolve(connection);
  });
  const { port } = server.address() as { port: number };
  const client = new WebSocket(`ws://127.0.0.1:${port}`, { maxPayload: 512 * MIB, ...options });
  stack.defer(() => client.terminate());
  await once(client, 'open');
  return { client, connection: await arrived.promise, calls: () => calls };
}

function ask(client: WebSocket, id: number): void {
  client.send(JSON.stringify({ jsonrpc: '2.0', id, method: 'session.list' }));
}

async function closeCode(client: WebSocket): Promise<number> {
  const [code] = (await once(client, 'close')) as [number];
  return code;
}

describe('a client that takes nothing of what it has asked for', { timeout: 30_000 }, () => {
  it('has no further calls begun, and is told 1013 when it has taken nothing for too long', async () => {
    await using stack = new AsyncDisposableStack();
    const { client, connection, calls } = await connect(stack);
    client.pause();
    for (let id = 0; id < 10; id += 1) ask(client, id);
    await until(() => calls() === 2);
    await sleep(200);
    // The third would come on top of 96 MiB, of which the client has taken less than a third.
    expect(calls()).toBe(2);
    const closed = closeCode(client);
    connection.checkAlive();
    client.resume();
    expect(await closed).toBe(1013);
  });
});

describe('a client that says nothing', () => {
  it('is kept when it answers pings', async () => {
    await using stack = new AsyncDisposableStack();
    const { client, connection } = await connect(stack);
    for (let round = 0; round < 3; round += 1) {
      const pinged = once(client, 'ping');
      connection.checkAlive();
      await pinged;
      await sleep(50);
    }
    expect(client.readyState).toBe(WebSocket.OPEN);
  });

  it('is ended when it does not', async () => {
    await using stack = new AsyncDisposableStack();
    const { client, connection } = await connect(stack, { autoPong: false });
    const closed = closeCode(client);
    connection.checkAlive();
    await sleep(50);
    connection.checkAlive();
    expect(await closed).toBe(1006);
  });
});
