import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

import type { Browser } from '../../browser/index.ts';
import { endSocket } from '../../lib/end-socket.ts';
import { webSocketKey } from '../../websocket/index.ts';
import type { DismissalReason, LiveSession, SessionClient } from '../sessions/index.ts';
import { openBrowserSocket } from './browser-handshake.ts';
import { SocketFeed } from './socket-feed.ts';
import type { OwnFolders } from './command-checks.ts';
import { CommandGate } from './command-gate.ts';
import { closeFrame } from './frame-boundary.ts';
import { FrameScanner } from './frame-scanner.ts';
import type { HoldBudget } from './held-bytes.ts';
import type { EmulationLog } from './hidden/emulation-log.ts';
import { HiddenClient } from './hidden/hidden-client.ts';
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

/** What hides a client from the pages of its session. */
interface Hiding {
  readonly rootTargetId: string | undefined;
  readonly overrides: Browser['sharedOverrides'];
  readonly onIgnored: (method: string) => void;
  readonly expectPage: Browser['expectPage'];
  /** A part of the identity may be gone with a CDP session of the client, or with all of them. */
  readonly onDetached: () => void;
}

/**
 * A client of ours and its connection to the browser, joined.
 *
 * Towards the client bytes pass as they are; only the ends of messages are noted, so that an answer of ours, or the reason why its
 * session ends, can be put between two. Towards the browser a scanner follows the stream, and the gate decides over each command.
 * Both directions have the backpressure of the slower side, and a client that does not read the refusals it gets is not
 * read either.
 *
 * Where the session hides its clients, `HiddenClient` stands in both ways: before the gate, and before the stream to the client.
 */
class CdpRelay implements SessionClient {
  readonly #client: Socket;
  readonly #browser: Socket;
  readonly #events: RelayEvents;
  readonly #feed: SocketFeed;
  readonly #browserFeed: SocketFeed;
  readonly #scanner: FrameScanner;
  readonly #hiding: Hiding | undefined;
  readonly #hidden: HiddenClient | undefined;
  #isClosing = false;

  constructor(
    sockets: { client: Socket; browser: Socket },
    rules: { folders: OwnFolders; holdBudget: HoldBudget; hiding: Hiding | undefined },
    events: RelayEvents,
  ) {
    this.#client = sockets.client;
    this.#browser = sockets.browser;
    this.#events = events;
    this.#feed = new SocketFeed(sockets.client);
    this.#browserFeed = new SocketFeed(sockets.browser);
    this.#hiding = rules.hiding;
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
    this.#hidden =
      rules.hiding &&
      new HiddenClient({
        ...rules.hiding,
        gate,
        holdBudget: rules.holdBudget,
        toClient: (frame) => this.#feed.inject(frame),
        toBrowser: (frame) => this.#browserFeed.inject(frame),
        pass: (bytes) => this.#feed.pass(bytes),
      });
    this.#scanner = new FrameScanner(this.#hidden ?? gate, rules.holdBudget);
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
      this.#leaveBrowser();
      this.#stopLooking();
      this.#events.onEnd();
    });
    client.once('end', () => browser.end());
    this.#hidden?.start();
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
    this.#stopLooking();
    this.#browser.destroy();
    endSocket(this.#client, this.#feed.canControl ? closeFrame(CLOSE_CODES[reason], reason) : undefined);
  }

  #toClient(chunk: Buffer): void {
    if (this.#client.writableEnded) return;
    if (this.#hidden === undefined) this.#feed.pass(chunk);
    else this.#guard(() => this.#hidden?.receive(chunk));
    this.#balance();
  }

  #toBrowser(chunk: Buffer): void {
    this.#events.onActivity();
    this.#guard(() => {
      for (const piece of this.#scanner.push(chunk)) this.#browserFeed.pass(piece);
    });
    this.#balance();
  }

  /** Sends the client away when `act` finds that it asks too much, or breaks the protocol. */
  #guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof StreamViolation)) throw error;
      this.#dismiss(error.code, error.message);
    }
  }

  #stopLooking(): void {
    this.#scanner.end();
    this.#hidden?.end();
  }

  /**
   * Ends the connection to the browser. A hidden one is ended in order: only when the browser has noticed, and has taken back what
   * the client's sessions had set, can the identity be set anew.
   */
  #leaveBrowser(): void {
    const browser = this.#browser;
    const onDetached = this.#hiding?.onDetached;
    if (onDetached === undefined || browser.destroyed) {
      browser.destroy();
      onDetached?.();
      return;
    }
    browser.removeAllListeners('data');
    browser.once('close', onDetached);
    setTimeout(() => browser.destroy(), DISMISSAL_MS).unref();
    browser.end();
    browser.resume();
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
    this.#stopLooking();
    const end = (): void => {
      clearTimeout(timer);
      this.#leaveBrowser();
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
  readonly emulation: EmulationLog;
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
  { path, refusals, holdBudget, emulation, headers = {} }: JoinOptions,
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
    { folders: live.browser.folder, holdBudget, hiding: planHiding(live, path, emulation) },
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

/** What hides a client of this session; undefined where nothing is to be hidden. */
function planHiding(live: LiveSession, path: string, emulation: EmulationLog): Hiding | undefined {
  if (live.stealthLevel === 'none') return undefined;
  // One that is restarting has got another browser when a client leaves; the old one's identity is nobody's business any more.
  const { browser } = live;
  return {
    rootTargetId: /^\/devtools\/page\/(?<id>[\w-]+)$/.exec(path)?.groups?.['id'],
    overrides: browser.sharedOverrides,
    onIgnored: (method) => emulation.note(live.id, method),
    expectPage: () => browser.expectPage(),
    onDetached: () => browser.restoreOverrides(),
  };
}
