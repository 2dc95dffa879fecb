import type { WebSocket } from 'ws';

import { type Actor, scopeOf } from '../../lib/actor.ts';
import { AppError } from '../../lib/app-error.ts';
import { once } from '../../lib/once.ts';
import { Semaphore } from '../../lib/semaphore.ts';
import type { TypedEmitter } from '../../lib/typed-emitter.ts';
import type { SessionEvents, SessionFeed } from '../sessions/index.ts';
import { type NoRequest, parseMessage, RPC_CODES, type RpcId, type RpcMessage, type RpcRequest } from './json-rpc.ts';
import { Outbox } from './outbox.ts';
import type { RealtimeLimits } from './realtime-limits.ts';
import { OUT_OF_TURN } from './realtime-methods.ts';
import type { RpcDispatcher } from './rpc-dispatcher.ts';
import { Subscriptions } from './subscriptions.ts';

/** Close codes of RFC 6455 section 7.4.1 and its registry: we are stopping; not allowed; try again later. */
const GOING_AWAY = 1001;
const NOT_ALLOWED = 1008;
const TRY_AGAIN_LATER = 1013;
/** How long a client may take to answer our goodbye. Milliseconds. */
const GOODBYE_MS = 1_000;

export interface RealtimeConnectionDeps {
  readonly dispatcher: Pick<RpcDispatcher, 'run' | 'answer' | 'refuse' | 'problemOf'>;
  readonly feed: Pick<SessionFeed, 'open'>;
  readonly events: TypedEmitter<SessionEvents>;
  readonly limits: RealtimeLimits;
}

/** Who is connected. */
export interface RealtimeClient {
  /** Where it reaches this service, such as `ws://127.0.0.1:3000`. */
  readonly origin: string;
  readonly actor: Actor;
  /** Aborted when it may be connected no longer. */
  readonly ended: AbortSignal;
}

/** A call that has not been answered. */
interface Call {
  readonly id: RpcId | undefined;
  readonly abort: AbortController;
}

/**
 * One client of the real-time interface.
 *
 * Calls run at once, in limits, and are answered as they end; a batch when its last one has. Everything a client has under way is
 * broken off when it goes. In turn it is not listened to while it leaves too much of what it has asked for unread, and
 * ended when it takes nothing for too long, or does not answer a ping.
 */
export class RealtimeConnection {
  readonly #deps: RealtimeConnectionDeps;
  readonly #socket: WebSocket;
  readonly #client: RealtimeClient;
  readonly #outbox: Outbox;
  readonly #places: Semaphore;
  readonly #subscriptions: Subscriptions;
  readonly #gone = new AbortController();
  readonly #calls = new Set<Call>();
  readonly #answering = new Set<Promise<void>>();
  readonly #closed = Promise.withResolvers<void>();
  #unansweredBytes = 0;
  #isPinged = false;
  /** Ends the connection because the service stops; resolves when nothing of it is at work. Safe to call twice. */
  readonly end = once(() => this.#end());

  constructor(deps: RealtimeConnectionDeps, socket: WebSocket, client: RealtimeClient) {
    this.#deps = deps;
    this.#socket = socket;
    this.#client = client;
    this.#places = new Semaphore(deps.limits.callsAtOnce);
    this.#outbox = new Outbox(socket, () => this.#regulate());
    this.#subscriptions = new Subscriptions(
      {
        feed: deps.feed,
        events: deps.events,
        outbox: this.#outbox,
        scope: scopeOf(client.actor),
        toProblem: (error) => deps.dispatcher.problemOf(error, 'subscribe'),
      },
      this.#gone.signal,
    );
  }

  /** Begins to listen. Resolves when the connection is closed; never rejects. */
  async run(): Promise<void> {
    this.#socket.on('message', (data: Buffer) => this.#onMessage(data));
    this.#socket.on('pong', () => (this.#isPinged = false));
    // What breaks the protocol is answered by the library with the close code for it.
    this.#socket.on('error', () => undefined);
    const leave = (): void => this.#sendAway();
    this.#client.ended.addEventListener('abort', leave);
    this.#socket.once('close', () => {
      this.#client.ended.removeEventListener('abort', leave);
      this.#breakOff(new AppError('REQUEST_CANCELLED', 'The client went away'));
      this.#closed.resolve();
    });
    return this.#closed.promise;
  }

  /** Ends a client that has gone without a word or takes nothing of what is sent; to be called every so often. */
  checkAlive(): void {
    if (this.#outbox.stalledMs() >= this.#deps.limits.stallMs) {
      this.#say(TRY_AGAIN_LATER, 'too slow');
      return;
    }
    // Who still takes something, or is not listened to, cannot be expected to answer.
    if (this.#outbox.bytes > 0 || this.#socket.isPaused) return;
    if (this.#isPinged) {
      this.#socket.terminate();
      return;
    }
    this.#isPinged = true;
    this.#socket.ping();
  }

  /** Its key is none any more. */
  #sendAway(): void {
    this.#breakOff(new AppError('UNAUTHORIZED', 'The key of this connection is not valid any more'));
    this.#say(NOT_ALLOWED, 'key revoked');
  }

  async #end(): Promise<void> {
    this.#breakOff(new AppError('SHUTTING_DOWN', 'This node is shutting down'));
    // What was under way is answered with that.
    await Promise.all([...this.#answering, this.#subscriptions.settled()]);
    this.#say(GOING_AWAY, 'shutdown');
    await this.#closed.promise;
  }

  /** Says goodbye, and hangs up when the client does not answer it. */
  #say(code: number, reason: string): void {
    this.#socket.resume();
    this.#socket.close(code, reason);
    setTimeout(() => this.#socket.terminate(), GOODBYE_MS).unref();
  }

  #breakOff(reason: AppError): void {
    this.#gone.abort(reason);
    for (const call of this.#calls) call.abort.abort(reason);
  }

  #onMessage(data: Buffer): void {
    this.#isPinged = false;
    if (this.#gone.signal.aborted) return;
    this.#unansweredBytes += data.length;
    this.#regulate();
    const answering = this.#answer(parseMessage(data.toString())).finally(() => {
      this.#answering.delete(answering);
      this.#unansweredBytes -= data.length;
      this.#regulate();
    });
    this.#answering.add(answering);
  }

  /** Stops to read while the client leaves too much unread, or has too much under way. */
  #regulate(): void {
    const { unsentBytes, unansweredBytes } = this.#deps.limits;
    const isFull = this.#outbox.bytes >= unsentBytes || this.#unansweredBytes >= unansweredBytes;
    if (isFull === this.#socket.isPaused || this.#gone.signal.aborted) return;
    if (isFull) this.#socket.pause();
    else this.#socket.resume();
  }

  /** Never rejects. */
  async #answer({ isBatch, calls }: RpcMessage): Promise<void> {
    const answered = Promise.withResolvers<void>();
    if (isBatch) this.#send(await this.#answerBatch(calls, answered.promise));
    else await Promise.all(calls.map((call) => this.#settle(call, answered.promise, (text) => this.#send(text))));
    answered.resolve();
  }

  /** The answers of a batch; none where there were only notifications. */
  async #answerBatch(calls: RpcMessage['calls'], answered: Promise<void>): Promise<string | undefined> {
    const { limits, dispatcher } = this.#deps;
    const texts = calls.map((): string | undefined => undefined);
    let length = 0;
    const keep = ({ id = null }: RpcMessage['calls'][number], index: number, text: string): void => {
      const refusal = new AppError('PAYLOAD_TOO_LARGE', 'The answers of the batch are too large to be sent together');
      const fits = length + text.length < limits.unsentBytes;
      texts[index] = fits ? text : dispatcher.refuse({ id, code: RPC_CODES.FAILED, refusal });
      if (fits) length += text.length;
    };
    await Promise.all(
      calls.map((call, index) => this.#settle(call, answered, (text) => text !== undefined && keep(call, index, text))),
    );
    const sent = texts.filter((text) => text !== undefined);
    return sent.length === 0 ? undefined : `[${sent.join(',')}]`;
  }

  #send(text: string | undefined): void {
    if (text !== undefined) this.#outbox.send(text);
  }

  /** Does one call; its place is taken until its answer has been delivered. */
  async #settle(
    call: RpcRequest | NoRequest,
    answered: Promise<void>,
    deliver: (text: string | undefined) => void,
  ): Promise<void> {
    const { dispatcher } = this.#deps;
    using place = new DisposableStack();
    deliver(
      'refusal' in call
        ? dispatcher.refuse(call)
        : await dispatcher.answer(call, () => this.#call(call, answered, place)),
    );
  }

  /** Runs one call in its turn. @throws {AppError} TOO_MANY_REQUESTS, REQUEST_CANCELLED, and what the method throws */
  async #call(request: RpcRequest, answered: Promise<void>, place: DisposableStack): Promise<unknown> {
    const { dispatcher, limits } = this.#deps;
    const call = { id: request.id, abort: new AbortController() };
    const { signal } = call.abort;
    const caller = {
      origin: this.#client.origin,
      actor: this.#client.actor,
      signal,
      answered,
      subscriptions: this.#subscriptions,
      cancel: (id: RpcId) => this.#cancel(id),
    };
    if (OUT_OF_TURN.has(request.method)) return dispatcher.run(request, caller);
    this.#refuseTooMany();
    this.#calls.add(call);
    try {
      place.use(await this.#places.acquire(signal));
      await this.#outbox.whenBelow(limits.unsentBytes, signal);
      return await dispatcher.run(request, caller);
    } catch (error) {
      // However the work has put it: it was broken off.
      signal.throwIfAborted();
      throw error;
    } finally {
      this.#calls.delete(call);
    }
  }

  #refuseTooMany(): void {
    const { callsAtOnce, callsInLine } = this.#deps.limits;
    if (this.#calls.size < callsAtOnce + callsInLine) return;
    throw new AppError('TOO_MANY_REQUESTS', `A connection has ${callsAtOnce + callsInLine} calls under way at most`);
  }

  #cancel(id: RpcId): boolean {
    const found = [...this.#calls].filter((call) => call.id === id);
    for (const { abort } of found) abort.abort(new AppError('REQUEST_CANCELLED', 'The request was cancelled'));
    return found.length > 0;
  }
}
