import { text } from 'node:stream/consumers';

import { type RawData, WebSocket } from 'ws';

import type { Answer } from './http-client.ts';

/** How a WebSocket was closed by the other side. */
interface Closed {
  readonly code: number;
  readonly reason: string;
}

export interface CdpEvent {
  readonly method: string;
  readonly params: Record<string, unknown>;
  readonly sessionId?: string;
}

/** A CDP client of few words: one socket, commands in, answers out. */
export interface CdpClient extends Disposable {
  send(method: string, params?: object, sessionId?: string): Promise<Record<string, unknown>>;
  /** Has `listener` called with each event from now on. */
  onEvent(listener: (event: CdpEvent) => void): void;
  /** Settles when it is closed; `send` rejects from then on. */
  readonly closed: Promise<Closed>;
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

/** Connects to a CDP address. @throws with the HTTP status in its message when the upgrade is refused */
export async function connectCdp(url: string): Promise<CdpClient> {
  const socket = new WebSocket(url, { perMessageDeflate: false, maxPayload: 64 * 1024 ** 2 });
  const pending = new Map<number, PromiseWithResolvers<Record<string, unknown>>>();
  const listeners: ((event: CdpEvent) => void)[] = [];
  const closed = Promise.withResolvers<Closed>();
  const opened = Promise.withResolvers<void>();
  let how = '';
  socket.once('open', opened.resolve);
  socket.on('error', opened.reject);
  socket.on('close', (code, reason) => {
    how = `: ${code} ${reason.toString()}`;
    closed.resolve({ code, reason: reason.toString() });
    for (const each of pending.values()) each.reject(new Error(`The connection was closed: ${code}`));
  });
  socket.on('message', (data: RawData) => {
    const message = JSON.parse((data as Buffer).toString()) as Message;
    const { id, result, error } = message;
    if (message.method !== undefined) for (const listener of listeners) listener(message as unknown as CdpEvent);
    const answer = id === undefined ? undefined : pending.get(id);
    if (id === undefined || answer === undefined) return;
    pending.delete(id);
    if (error === undefined) answer.resolve(result ?? {});
    else answer.reject(new Error(error.message));
  });
  await opened.promise;
  let lastId = 0;
  return {
    closed: closed.promise,
    send(method, params = {}, sessionId) {
      if (socket.readyState !== WebSocket.OPEN) return Promise.reject(new Error(`The connection is closed${how}`));
      lastId += 1;
      const answer = Promise.withResolvers<Record<string, unknown>>();
      pending.set(lastId, answer);
      socket.send(JSON.stringify({ id: lastId, method, params, ...(sessionId && { sessionId }) }));
      return answer.promise;
    },
    onEvent: (listener) => void listeners.push(listener),
    [Symbol.dispose]: () => socket.terminate(),
  };
}

/** What an address answers to a WebSocket handshake: 101, or the status of its refusal with the body. */
export async function tryUpgrade(
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Pick<Answer, 'status' | 'headers' | 'text'>> {
  const socket = new WebSocket(url, { headers, perMessageDeflate: false });
  const outcome = Promise.withResolvers<Pick<Answer, 'status' | 'headers' | 'text'>>();
  socket.on('error', outcome.reject);
  socket.once('open', () => outcome.resolve({ status: 101, headers: {}, text: '' }));
  socket.once('unexpected-response', (_request, response) => {
    const { statusCode: status = 0, headers: answered } = response;
    text(response).then((body) => outcome.resolve({ status, headers: answered, text: body }), outcome.reject);
  });
  try {
    return await outcome.promise;
  } finally {
    socket.on('error', () => undefined);
    socket.terminate();
  }
}

/** Process id of the main process of the browser behind a CDP address, as the browser itself says. */
export async function browserPid(cdpUrl: string): Promise<number> {
  using client = await connectCdp(cdpUrl);
  const { processInfo } = await client.send('SystemInfo.getProcessInfo');
  const main = (processInfo as readonly { type: string; id: number }[]).find(({ type }) => type === 'browser');
  if (main === undefined) throw new Error('The browser does not name its main process');
  return main.id;
}
