import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

import { AppError } from '../../lib/app-error.ts';
import { endSocket } from '../../lib/end-socket.ts';
import type { DismissalReason, LiveSession, SessionClient } from '../sessions/index.ts';
import { openBrowserSocket } from './browser-handshake.ts';
import { closeFrame, FrameBoundary } from './frame-boundary.ts';

const KEEP_ALIVE_MS = 30_000;

/**
 * Close codes of RFC 6455 section 7.4.1 and its registry: 1000 as asked, 1001 we are stopping, 1011 our fault or the
 * browser's, 1012 come back: the same session has a new browser.
 */
const CLOSE_CODES: Readonly<Record<DismissalReason, number>> = {
  requested: 1000,
  idle_timeout: 1000,
  max_lifetime: 1000,
  max_requests: 1000,
  memory_limit: 1000,
  client_disconnected: 1000,
  node_drained: 1001,
  node_lost: 1001,
  shutdown: 1001,
  unhealthy: 1011,
  browser_crashed: 1011,
  start_failed: 1011,
  browser_restarted: 1012,
};

/** A connection that wants to become a CDP client. */
export interface IncomingClient {
  readonly request: IncomingMessage;
  readonly socket: Socket;
  readonly head: Buffer;
}

/** The client's WebSocket key. @throws {AppError} UPGRADE_REQUIRED when the request is no WebSocket handshake */
function webSocketKey({ headers, method }: IncomingMessage): string {
  const key = headers['sec-websocket-key'];
  const isHandshake =
    method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket' && headers['sec-websocket-version'] === '13';
  if (!isHandshake || key === undefined || !/^[A-Za-z0-9+/]{22}==$/.test(key)) {
    throw new AppError('UPGRADE_REQUIRED', 'This address takes WebSocket connections of version 13');
  }
  return key;
}

/** @throws {AppError} UPGRADE_REQUIRED when the request is no WebSocket handshake */
export function checkHandshake(request: IncomingMessage): void {
  webSocketKey(request);
}

/**
 * Two sockets joined byte by byte: a client of ours and its connection to the browser.
 *
 * Frames pass as they are, in both directions, with the backpressure of the slower side. The stream to the client is
 * followed from frame to frame, so that the client can be told why its session ends.
 */
class CdpRelay implements SessionClient {
  readonly #client: Socket;
  readonly #browser: Socket;
  readonly #toClient = new FrameBoundary();
  #isClosing = false;

  constructor(client: Socket, browser: Socket) {
    this.#client = client;
    this.#browser = browser;
  }

  /** Starts to pass bytes. `onActivity` is called for everything the client sends, `onEnd` once, at the end. */
  start(heads: { client: Buffer; browser: Buffer }, onActivity: () => void, onEnd: () => void): void {
    const client = this.#client;
    const browser = this.#browser;
    for (const socket of [client, browser]) {
      socket.setTimeout(0);
      socket.setNoDelay(true);
      // A client that vanished without a word is noticed by the kernel's probes.
      socket.setKeepAlive(true, KEEP_ALIVE_MS);
      socket.on('error', () => undefined);
    }
    browser.on('data', (chunk: Buffer) => this.#toClient.push(chunk));
    client.on('data', onActivity);
    if (heads.client.length > 0) browser.write(heads.client);
    if (heads.browser.length > 0) {
      this.#toClient.push(heads.browser);
      client.write(heads.browser);
    }
    browser.pipe(client, { end: false });
    client.pipe(browser);
    // Only a browser that is gone hangs up first: a client's own goodbye is answered with a Close frame.
    browser.once('close', () => this.close('browser_crashed'));
    client.once('close', () => {
      browser.destroy();
      onEnd();
    });
  }

  close(reason: DismissalReason): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#browser.unpipe(this.#client);
    this.#browser.destroy();
    const canTell = this.#toClient.isBetweenFrames && !this.#toClient.sawClose;
    endSocket(this.#client, canTell ? closeFrame(CLOSE_CODES[reason], reason) : undefined);
  }
}

/**
 * Joins a client to a session's browser, at `path` of the browser's debugging port. `headers` are added to the answer.
 *
 * The browser's side is opened first: when it refuses, the client still gets an HTTP answer.
 *
 * @throws {AppError} UPGRADE_REQUIRED, TARGET_NOT_FOUND, SESSION_ENDED before anything is written to the client
 */
export async function joinBrowser(
  incoming: IncomingClient,
  live: LiveSession,
  { path, headers = {} }: { readonly path: string; readonly headers?: Readonly<Record<string, string>> },
): Promise<void> {
  const { request, socket: client, head } = incoming;
  const key = webSocketKey(request);
  const browser = await openBrowserSocket(Number(live.browser.endpoint.port), path, key);
  if (client.destroyed) {
    browser.socket.destroy();
    return;
  }
  const relay = new CdpRelay(client, browser.socket);
  const removeClient = live.addClient(relay);
  const answer = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${browser.accept}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  client.write(`${answer.join('\r\n')}\r\n\r\n`);
  relay.start({ client: head, browser: browser.head }, () => live.touch(), removeClient);
}
