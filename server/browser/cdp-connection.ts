import type { ProtocolMapping } from 'devtools-protocol/types/protocol-mapping.js';
import { WebSocket } from 'ws';

import { raceAbort } from '../lib/deadline.ts';

/** The method names of commands, with the types of their parameters and results, from `devtools-protocol`. */
type CdpCommands = ProtocolMapping.Commands;
/** The names of events, with the types of their parameters. */
type CdpEvents = ProtocolMapping.Events;
type Params<Method extends keyof CdpCommands> = CdpCommands[Method]['paramsType'];

/** Answers are read whole; a screenshot of a very long page is the largest there is. V8's longest string is 512 MiB. */
const MAX_ANSWER_BYTES = 256 * 1024 ** 2;
/** A command that is not answered by then never will be. Callers with a deadline of their own pass a signal. */
const COMMAND_TIMEOUT_MS = 30_000;

/** The browser refused a command: code and message of its JSON-RPC error. */
export class CdpError extends Error {
  override readonly name = 'CdpError';
  readonly method: string;
  readonly code: number;

  constructor(method: string, error: { readonly code: number; readonly message: string }) {
    super(error.message);
    this.method = method;
    this.code = error.code;
  }
}

/** The connection to the browser is gone, or the target of the command is. */
export class CdpClosedError extends Error {
  override readonly name = 'CdpClosedError';
}

interface PendingCommand {
  readonly method: string;
  readonly sessionId: string | undefined;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

interface IncomingMessage {
  readonly id?: number;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
  readonly sessionId?: string;
}

/** Error code of the DevTools protocol for a command to a session that is not there (any more). */
const SESSION_NOT_FOUND = -32_001;

/**
 * Where commands go and events come from: the browser itself, or one attached target.
 *
 * Several listeners of one event are called in the order they were added; a listener must not throw.
 */
export interface CdpSession {
  readonly id: string | undefined;
  /**
   * Sends a command and waits for its answer: until `signal` is aborted, or without one for 30 s.
   *
   * @throws {CdpError} when the browser refuses it
   * @throws {CdpClosedError} when the browser or the target is gone
   */
  send<Method extends keyof CdpCommands>(
    method: Method,
    params?: Params<Method>[0],
    signal?: AbortSignal,
  ): Promise<CdpCommands[Method]['returnType']>;
  /** Listens to an event of this session; returns the function that stops it. */
  on<Event extends keyof CdpEvents>(event: Event, listener: (...params: CdpEvents[Event]) => void): () => void;
}

type Listener = (params: unknown) => void;

/**
 * One WebSocket to a browser's debugging port, speaking the DevTools protocol in flat mode (all targets over one
 * connection, told apart by session id).
 *
 * Thin on purpose: it enables nothing by itself, so what the browser is asked is what our code asks.
 */
export class CdpConnection implements AsyncDisposable {
  readonly browser: CdpSession;
  /** Settles, never rejects, when the connection is gone. */
  readonly closed: Promise<void>;
  readonly #socket: WebSocket;
  readonly #pending = new Map<number, PendingCommand>();
  readonly #listeners = new Map<string, Set<Listener>>();
  #lastId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    this.browser = this.session(undefined);
    const closed = Promise.withResolvers<void>();
    this.closed = closed.promise;
    socket.on('message', (data: Buffer) => {
      try {
        this.#receive(JSON.parse(data.toString()) as IncomingMessage);
      } catch {
        // Not what a browser sends: nothing that follows could be trusted.
        socket.terminate();
      }
    });
    socket.once('close', () => {
      this.#rejectPending(() => true, 'The browser is gone');
      closed.resolve();
    });
    // An error is always followed by `close`, which is what everybody listens to.
    socket.on('error', () => undefined);
  }

  /** Connects to a debugging address. @throws whatever the socket fails with, or the signal's reason */
  static async open(endpoint: URL, signal: AbortSignal): Promise<CdpConnection> {
    const socket = new WebSocket(endpoint, {
      perMessageDeflate: false,
      skipUTF8Validation: true,
      maxPayload: MAX_ANSWER_BYTES,
    });
    const opened = Promise.withResolvers<void>();
    socket.once('open', opened.resolve);
    socket.once('error', opened.reject);
    try {
      await raceAbort(opened.promise, signal);
    } catch (error) {
      socket.on('error', () => undefined);
      socket.terminate();
      throw error;
    }
    return new CdpConnection(socket);
  }

  /** The commands and events of one attached target; undefined: of the browser. */
  session(id: string | undefined): CdpSession {
    return {
      id,
      send: (method, params, signal) => this.#send({ method, params, sessionId: id }, signal),
      on: (event, listener) => this.#on(`${id ?? ''} ${event}`, listener as Listener),
    };
  }

  /** Forgets the listeners of a target that is gone and fails what still waits for it. */
  dropSession(id: string): void {
    for (const key of this.#listeners.keys()) if (key.startsWith(`${id} `)) this.#listeners.delete(key);
    this.#rejectPending((each) => each.sessionId === id, 'The page is gone');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.terminate();
    await this.closed;
  }

  #on(key: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(key) ?? new Set();
    this.#listeners.set(key, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  async #send<Result>(
    command: { readonly method: string; readonly params: unknown; readonly sessionId: string | undefined },
    signal: AbortSignal = AbortSignal.timeout(COMMAND_TIMEOUT_MS),
  ): Promise<Result> {
    if (this.#socket.readyState !== WebSocket.OPEN) throw new CdpClosedError('The browser is gone');
    signal.throwIfAborted();
    this.#lastId += 1;
    const id = this.#lastId;
    const answer = Promise.withResolvers<unknown>();
    const { method, sessionId } = command;
    this.#pending.set(id, { method, sessionId, resolve: answer.resolve, reject: answer.reject });
    this.#socket.send(JSON.stringify({ id, ...command }));
    try {
      return (await raceAbort(answer.promise, signal)) as Result;
    } finally {
      this.#pending.delete(id);
    }
  }

  #receive(message: IncomingMessage): void {
    if (message.id === undefined) {
      const listeners = this.#listeners.get(`${message.sessionId ?? ''} ${message.method ?? ''}`);
      if (listeners !== undefined) for (const listener of [...listeners]) listener(message.params);
      return;
    }
    const pending = this.#pending.get(message.id);
    if (pending === undefined) return;
    if (message.error === undefined) pending.resolve(message.result);
    else if (message.error.code === SESSION_NOT_FOUND) pending.reject(new CdpClosedError('The page is gone'));
    else pending.reject(new CdpError(pending.method, message.error));
  }

  #rejectPending(matches: (command: PendingCommand) => boolean, why: string): void {
    for (const command of [...this.#pending.values()]) if (matches(command)) command.reject(new CdpClosedError(why));
  }
}
