import { type RawData, WebSocket } from 'ws';

import type { Problem } from '@guise/contract';

import { until } from './until.ts';

/** An answer or a refusal of JSON-RPC 2.0. */
export interface RpcAnswer {
  readonly jsonrpc: '2.0';
  readonly id: string | number | null;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string; readonly data: Problem };
}

/** What the service says by itself. */
interface RpcNotification {
  readonly method: string;
  readonly params: Record<string, unknown>;
}

/** A client of the real-time interface. Disposing it cuts the connection. */
export interface RpcClient extends Disposable {
  /** Calls a method; resolves to its answer, which may be an error. */
  ask(method: string, params?: object): Promise<RpcAnswer>;
  /** Calls a method and gives its result. @throws when it is refused */
  call(method: string, params?: object): Promise<Record<string, unknown>>;
  /** Sends a text as it is. */
  send(text: string): void;
  /** Sends a text as it is, and resolves to the next message that is no notification and no answer to `ask`. */
  exchange(text: string): Promise<unknown>;
  /** Notifications so far, oldest first. */
  readonly notifications: readonly RpcNotification[];
  /** Resolves to the close code and reason. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  readonly socket: WebSocket;
}

/** Connects to the real-time interface of a service at `address`, such as `http://127.0.0.1:3000`, with the secret of a key if one is needed. */
export async function connectRpc(address: string, key?: string): Promise<RpcClient> {
  const headers = key === undefined ? {} : { 'X-API-Key': key };
  const socket = new WebSocket(`${address.replace('http', 'ws')}/api/ws`, { maxPayload: 512 * 1024 ** 2, headers });
  const pending = new Map<unknown, (answer: RpcAnswer) => void>();
  const notifications: RpcNotification[] = [];
  const others: unknown[] = [];
  const closed = Promise.withResolvers<{ code: number; reason: string }>();
  const opened = Promise.withResolvers<void>();
  socket.once('open', opened.resolve);
  socket.on('error', opened.reject);
  socket.on('close', (code, reason) => closed.resolve({ code, reason: reason.toString() }));
  socket.on('message', (data: RawData) => {
    const message = JSON.parse((data as Buffer).toString()) as RpcAnswer | RpcNotification;
    const answered = 'id' in message ? pending.get(message.id) : undefined;
    if ('method' in message) notifications.push(message);
    else if (answered === undefined) others.push(message);
    else answered(message);
  });
  await opened.promise;
  let lastId = 0;
  const ask = (method: string, params?: object): Promise<RpcAnswer> => {
    lastId += 1;
    const id = `call-${lastId}`;
    const answer = Promise.withResolvers<RpcAnswer>();
    pending.set(id, answer.resolve);
    void closed.promise.then(({ code }) => answer.reject(new Error(`The connection was closed: ${code}`)));
    socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, ...(params && { params }) }));
    return answer.promise;
  };
  return {
    ask,
    async call(method, params) {
      const { error, result } = await ask(method, params);
      if (error !== undefined) throw new Error(`${method}: ${error.code} ${error.message}`);
      return result as Record<string, unknown>;
    },
    send: (text) => socket.send(text),
    async exchange(text) {
      socket.send(text);
      await until(`the answer to ${text.slice(0, 80)}`, () => others.length > 0);
      return others.shift();
    },
    notifications,
    closed: closed.promise,
    socket,
    [Symbol.dispose]: () => socket.terminate(),
  };
}
