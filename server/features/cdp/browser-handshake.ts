import { request } from 'node:http';
import type { Socket } from 'node:net';

import { AppError } from '../../lib/app-error.ts';
import { raceAbort } from '../../lib/deadline.ts';

const HANDSHAKE_TIMEOUT_MS = 10_000;

/** A WebSocket connection to a browser's debugging port, after its 101. */
export interface BrowserSocket {
  readonly socket: Socket;
  /** The browser's Sec-WebSocket-Accept, made from the key it was given. */
  readonly accept: string;
  /** What the browser has sent after its answer already. */
  readonly head: Buffer;
}

/**
 * Opens a WebSocket at `path` of the browser's debugging port, with a key that is the client's own.
 *
 * No extension is offered: compression would cost both ends time on the same machine. The caller must end the socket.
 *
 * @throws {AppError} TARGET_NOT_FOUND when the browser refuses
 */
export async function openBrowserSocket(port: number, path: string, key: string): Promise<BrowserSocket> {
  const opened = Promise.withResolvers<BrowserSocket>();
  const outgoing = request({
    host: '127.0.0.1',
    port,
    path,
    agent: false,
    headers: {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': key,
    },
  });
  const refused = (cause?: unknown): void =>
    opened.reject(new AppError('TARGET_NOT_FOUND', 'The browser has no such target', { cause }));
  outgoing.once('upgrade', ({ headers }, socket, head) =>
    opened.resolve({ socket, head, accept: headers['sec-websocket-accept'] ?? '' }),
  );
  outgoing.once('response', (response) => {
    response.destroy();
    refused();
  });
  outgoing.once('error', refused);
  outgoing.end();
  try {
    return await raceAbort(opened.promise, AbortSignal.timeout(HANDSHAKE_TIMEOUT_MS), ({ socket }) => socket.destroy());
  } catch (error) {
    outgoing.destroy();
    if (error instanceof AppError) throw error;
    throw new AppError('OPERATION_TIMED_OUT', 'The browser did not answer the handshake', { cause: error });
  }
}
