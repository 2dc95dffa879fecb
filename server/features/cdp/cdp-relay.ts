import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

import { endSocket } from '../../lib/end-socket.ts';
import { webSocketKey } from '../../websocket/index.ts';
import type { DismissalReason, LiveSession, SessionClient } from '../sessions/index.ts';
import { openBrowserSocket } from './browser-handshake.ts';
import { ClientFeed } from './client-feed.ts';
import type { OwnFolders } from './command-checks.ts';
import { CommandGate } from './command-gate.ts';
import { closeFrame } from './frame-boundary.ts';
import { FrameScanner } from './frame-scanner.ts';
import type { HoldBudget } from './held-bytes.ts';
import type { Refusal, RefusalLog } from './refusal-log.ts';
import { StreamViolation } from './stream-violation.ts';

const KEEP_ALIVE_MS = 30_000;
/** How long the browser may take to end its message before a client is sent away without a word. Milliseconds. */
const DISMISSAL_MS = 1_000;
/** How much a client may leave unread before it is not read any more. Bytes. */
const MAX_BACKLOG_BYTES = 1024 ** 2;

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

/** What a relay tells about its client. */
interface RelayEvents {
  /** The client has sent something. */
  readonly onActivity: () => void;
  /** The client has sent a whole message. */
  readonly onMessage: () => void;
  readonly onRefused: (refusal: Refusal) => void;
  /** The client wants to close the browser. */
  readonly onLeave: () => void;
  /** The client is gone. Called once. */
  readonly onEnd: () => void;
}

/**
 * A client of ours and its connection to the browser, joined.
 *
 * Towards the client bytes pass as they are; only the ends of messages are noted, so that an answer of ours, or the reason why its
 * session ends, can be put between two. Towards the browser a scanner follows the stream, and the gate decides over each command.
 * Both directions have the backpressure of the slower side, and a client that does not read the refusals it gets is not
 * read either.
 */
class CdpRelay implements SessionClient {
  readonly #client: Socket;
  readonly #browser: Socket;
  readonly #events: RelayEvents;
  readonly #feed: ClientFeed;
  readonly #scanner: FrameScanner;
  #isClosing = false;

  constructor(
    sockets: { client: Socket; browser: Socket },
    rules: { folders: OwnFolders; holdBudget: HoldBudget },
    events: RelayEvents,
  ) {
    this.#client = sockets.client;
    this.#browser = sockets.browser;
    this.#events = events;
    this.#feed = new ClientFeed(sockets.client);
    const gate = new CommandGate({
      folders: rules.folders,
      answer: (frame) => this.#feed.inject(frame),
      onRefused: events.onRefused,
      onMessage: events.onMessage,
      onLeave: () => {
        this.#dismiss(1000, 'the browser was closed');
        events.onLeave();
      },
    });
    this.#scanner = new FrameScanner(gate, rules.holdBudget);
  }

  /** Starts to pass bytes; `heads` are those that have arrived already. */
  start(heads: { client: Buffer; browser: Buffer }): void {
    const client = this.#client;
    const browser = this.#browser;
    for (const socket of [client, browser]) {
      socket.setTimeout(0);
      socket.setNoDelay(true);
      // A client that vanished without a word is noticed by the kernel's probes.
      socket.setKeepAlive(true, KEEP_ALIVE_MS);
      socket.on('error', () => undefined);
      socket.on('drain', () => this.#balance());
    }
    // Only a browser that is gone hangs up first: a client's own goodbye is answered with a Close frame.
    browser.once('close', () => this.close('browser_crashed'));
    client.once('close', () => {
      browser.destroy();
      this.#scanner.end();
      this.#events.onEnd();
    });
    client.once('end', () => browser.end());
    if (heads.browser.length > 0) this.#toClient(heads.browser);
    if (heads.client.length > 0) this.#toBrowser(heads.client);
    browser.on('data', (chunk: Buffer) => this.#toClient(chunk));
    client.on('data', (chunk: Buffer) => this.#toBrowser(chunk));
    // One that had to wait was paused.
    this.#balance();
  }

  close(reason: DismissalReason): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#scanner.end();
    this.#browser.destroy();
    endSocket(this.#client, this.#feed.canControl ? closeFrame(CLOSE_CODES[reason], reason) : undefined);
  }

  #toClient(chunk: Buffer): void {
    if (this.#client.writableEnded) return;
    this.#feed.pass(chunk);
    this.#balance();
  }

  #toBrowser(chunk: Buffer): void {
    this.#events.onActivity();
    try {
      for (const piece of this.#scanner.push(chunk)) this.#browser.write(piece);
    } catch (error) {
      if (!(error instanceof StreamViolation)) throw error;
      this.#dismiss(error.code, error.message);
    }
    this.#balance();
  }

  /** Reads of each side only as much as the other takes. */
  #balance(): void {
    setPaused(this.#browser, this.#client.writableNeedDrain);
    const isFull = this.#browser.writableNeedDrain || this.#feed.backlogBytes > MAX_BACKLOG_BYTES;
    // One that is being dismissed is read to the end, unheard: unread bytes would make the kernel cut off our last words.
    setPaused(this.#client, isFull && !this.#isClosing);
  }

  /** Sends the client away as soon as the browser's message to it is whole, or after a moment. Nothing more reaches the browser. */
  #dismiss(code: number, reason: string): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#scanner.end();
    const end = (): void => {
      clearTimeout(timer);
      this.#browser.destroy();
      endSocket(this.#client);
    };
    const timer = setTimeout(end, DISMISSAL_MS).unref();
    this.#feed.inject(closeFrame(code, reason), end);
  }
}

function setPaused(socket: Socket, isPaused: boolean): void {
  if (isPaused === socket.isPaused()) return;
  if (isPaused) socket.pause();
  else socket.resume();
}

/** What all clients share. */
export interface ClientDeps {
  readonly refusals: RefusalLog;
  readonly holdBudget: HoldBudget;
}

/** How a client is joined to a browser. */
interface JoinOptions extends ClientDeps {
  /** Of the browser's debugging port. */
  readonly path: string;
  /** Further headers of the answer. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Joins a client to a session's browser.
 *
 * The browser's side is opened first: when it refuses, the client still gets an HTTP answer.
 *
 * @throws {AppError} UPGRADE_REQUIRED, TARGET_NOT_FOUND, SESSION_ENDED before anything is written to the client
 */
export async function joinBrowser(
  incoming: IncomingClient,
  live: LiveSession,
  { path, refusals, holdBudget, headers = {} }: JoinOptions,
): Promise<void> {
  const { request, socket: client, head } = incoming;
  const key = webSocketKey(request);
  const browser = await openBrowserSocket(Number(live.browser.endpoint.port), path, key);
  if (client.destroyed) {
    browser.socket.destroy();
    return;
  }
  const relay = new CdpRelay(
    { client, browser: browser.socket },
    { folders: live.browser.folder, holdBudget },
    {
      onActivity: () => live.touch(),
      onMessage: () => live.countRequest(),
      onRefused: (refusal) => refusals.note(live.id, refusal),
      onLeave: () => live.endAsAsked(),
      onEnd: () => removeClient(),
    },
  );
  const removeClient = live.addClient(relay);
  const answer = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${browser.accept}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  client.write(`${answer.join('\r\n')}\r\n\r\n`);
  relay.start({ client: head, browser: browser.head });
}
