import type { ProtocolMapping } from 'devtools-protocol/types/protocol-mapping.js';
import { WebSocket } from 'ws';

import { raceAbort } from '../server/lib/deadline.ts';
import type { Timed } from './stopwatch.ts';

type Commands = ProtocolMapping.Commands;

const MAX_ANSWER_BYTES = 256 * 1024 ** 2;

interface IncomingMessage {
  readonly id?: number;
  readonly method?: string;
  readonly sessionId?: string;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

interface Waiting {
  readonly sentAt: number;
  readonly resolve: (answer: Timed<unknown>) => void;
  readonly reject: (error: Error) => void;
}

/** A page a client has attached to. */
export interface AttachedPage {
  readonly targetId: string;
  readonly cdpSessionId: string;
}

/**
 * A CDP connection that says how long each answer took, from the call until the answer had arrived whole.
 *
 * Parsing is not counted: it costs the same whichever way an answer came, and would blur the difference. Aborting the
 * signal it was opened with ends the connection, and with it every wait.
 */
export class CdpClient implements Disposable {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, Waiting>();
  readonly #events = new Map<string, () => void>();
  readonly #ended = Promise.withResolvers<never>();
  #lastId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    // Only those who wait for an event are told; nobody may be waiting.
    this.#ended.promise.catch(() => undefined);
    socket.on('message', (data: Buffer) => this.#receive(data, performance.now()));
    socket.once('close', (code, reason) => this.#end(new Error(`CDP connection closed: ${code} ${reason.toString()}`)));
    socket.on('error', (error) => this.#end(error));
  }

  /** Connects to a browser-level endpoint. The caller must dispose the client. */
  static async open(endpoint: string | URL, signal: AbortSignal): Promise<CdpClient> {
    const socket = new WebSocket(endpoint, { perMessageDeflate: false, maxPayload: MAX_ANSWER_BYTES });
    const client = new CdpClient(socket);
    const opened = new Promise<void>((resolve) => socket.once('open', () => resolve()));
    try {
      await raceAbort(Promise.race([opened, client.#ended.promise]), signal);
    } catch (error) {
      socket.terminate();
      throw error;
    }
    const stop = (): void => socket.terminate();
    signal.addEventListener('abort', stop, { once: true });
    socket.once('close', () => signal.removeEventListener('abort', stop));
    return client;
  }

  /** Sends a command to the browser, or to the page attached as `cdpSessionId`. @throws when the browser refuses it */
  async send<Method extends keyof Commands>(
    method: Method,
    params?: Commands[Method]['paramsType'][0],
    cdpSessionId?: string,
  ): Promise<Timed<Commands[Method]['returnType']>> {
    this.#lastId += 1;
    const id = this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<Timed<unknown>>();
    this.#waiting.set(id, { sentAt: performance.now(), resolve, reject });
    this.#socket.send(JSON.stringify({ id, method, params, sessionId: cdpSessionId }));
    return (await promise) as Timed<Commands[Method]['returnType']>;
  }

  /** Resolves at the next event of that name from that page. Ask before doing what makes it happen. */
  async nextEvent(name: keyof ProtocolMapping.Events, cdpSessionId: string): Promise<void> {
    const happened = new Promise<void>((resolve) => this.#events.set(`${cdpSessionId} ${name}`, resolve));
    await Promise.race([happened, this.#ended.promise]);
  }

  /** Attaches to the browser's first page. @throws when there is none */
  async attachToPage(): Promise<AttachedPage> {
    const { targetInfos } = (await this.send('Target.getTargets')).value;
    const target = targetInfos.find(({ type }) => type === 'page');
    if (target === undefined) throw new Error('The browser has no page');
    const { targetId } = target;
    const { sessionId } = (await this.send('Target.attachToTarget', { targetId, flatten: true })).value;
    return { targetId, cdpSessionId: sessionId };
  }

  /** Loads a page and waits for its load event; `Page` must be enabled. @throws when it cannot be loaded */
  async loadPage(url: string, cdpSessionId: string): Promise<void> {
    const loaded = this.nextEvent('Page.loadEventFired', cdpSessionId);
    const { errorText } = (await this.send('Page.navigate', { url }, cdpSessionId)).value;
    if (errorText !== undefined) throw new Error(`${url} could not be loaded: ${errorText}`);
    await loaded;
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }

  #receive(data: Buffer, receivedAt: number): void {
    const message = JSON.parse(data.toString('utf8')) as IncomingMessage;
    if (message.id === undefined) {
      this.#announce(`${message.sessionId ?? ''} ${message.method ?? ''}`);
      return;
    }
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.error !== undefined) waiting?.reject(new Error(`CDP command refused: ${message.error.message}`));
    else waiting?.resolve({ value: message.result, durationMs: receivedAt - waiting.sentAt });
  }

  #announce(event: string): void {
    const resolve = this.#events.get(event);
    this.#events.delete(event);
    resolve?.();
  }

  #end(error: Error): void {
    this.#ended.reject(error);
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
