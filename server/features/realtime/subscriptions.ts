import { randomUUID } from 'node:crypto';
import { once } from 'node:events';

import type {
  RealtimeNotificationName,
  RealtimeNotificationParams,
  RealtimeParams,
  RealtimeResult,
} from '@guise/contract';

import { isInScope } from '../../lib/actor.ts';
import { AppError, invalidField } from '../../lib/app-error.ts';
import type { TypedEmitter } from '../../lib/typed-emitter.ts';
import type { OpenFeed, SessionEvents, SessionFeed } from '../sessions/index.ts';
import { notificationText } from './json-rpc.ts';
import type { Outbox } from './outbox.ts';

/** Subscriptions of one connection. */
const MAX_SUBSCRIPTIONS = 100;
/** With this much on its way to a client, no further events are read for it, and metrics are left out. */
const SLOW_BYTES = 1024 ** 2;

interface SubscriptionsDeps {
  readonly feed: Pick<SessionFeed, 'open'>;
  readonly events: TypedEmitter<SessionEvents>;
  /** Whose sessions may be followed: those of this owner; undefined: anybody's. */
  readonly scope: string | undefined;
  readonly outbox: Pick<Outbox, 'bytes' | 'send' | 'whenBelow'>;
  /** The problem document of a failure, for the client. */
  readonly toProblem: (error: unknown) => RealtimeNotificationParams<'ended'>['problem'];
}

interface Subscription {
  readonly id: string;
  readonly sessionId: string | undefined;
  readonly abort: AbortController;
}

/**
 * What one connection is subscribed to.
 *
 * Events are read from the database, a page at a time and no faster than the client takes them: none is lost, and none waits
 * in memory. Samples of use are worth nothing later: for a slow client they are left out, and it is told how many.
 */
export class Subscriptions {
  readonly #deps: SubscriptionsDeps;
  readonly #gone: AbortSignal;
  readonly #all = new Map<string, Subscription>();
  readonly #running = new Set<Promise<void>>();

  /** All end when `gone` is aborted. */
  constructor(deps: SubscriptionsDeps, gone: AbortSignal) {
    this.#deps = deps;
    this.#gone = gone;
    gone.addEventListener('abort', () => this.#endAll(), { once: true });
  }

  /** Resolves when none that was ended is still at work. */
  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }

  /**
   * Begins a subscription; its notifications follow when `answered` has resolved.
   *
   * @throws {AppError} VALIDATION_FAILED, SESSION_NOT_FOUND, TOO_MANY_REQUESTS
   */
  async add(
    { topics, sessionId: wanted, after }: RealtimeParams<'subscribe'>,
    answered: Promise<void>,
  ): Promise<RealtimeResult<'subscribe'>> {
    const hasEvents = topics.includes('events');
    if (after !== undefined && !hasEvents) throw invalidField('/after', 'only events can be taken up again');
    this.#refuseTooMany();
    const feed = await this.#deps.feed.open({ sessionId: wanted, after, scope: this.#deps.scope });
    this.#gone.throwIfAborted();
    this.#refuseTooMany();
    const subscription = { id: randomUUID(), sessionId: feed.sessionId, abort: new AbortController() };
    this.#all.set(subscription.id, subscription);
    const running = answered
      .then(() => this.#run(subscription, { hasEvents, hasMetrics: topics.includes('metrics'), feed }))
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
    return { subscriptionId: subscription.id, lastEventId: hasEvents ? feed.lastEventId : null };
  }

  /** Ends a subscription; returns whether there was one. Nothing of it is sent afterwards. */
  remove(id: string): boolean {
    const subscription = this.#all.get(id);
    this.#all.delete(id);
    subscription?.abort.abort();
    return subscription !== undefined;
  }

  #endAll(): void {
    for (const id of [...this.#all.keys()]) this.remove(id);
  }

  #refuseTooMany(): void {
    if (this.#all.size < MAX_SUBSCRIPTIONS) return;
    throw new AppError('TOO_MANY_REQUESTS', `A connection has ${MAX_SUBSCRIPTIONS} subscriptions at most`);
  }

  /** Never rejects. */
  async #run(
    { id, sessionId, abort: { signal } }: Subscription,
    { hasEvents, hasMetrics, feed }: { hasEvents: boolean; hasMetrics: boolean; feed: OpenFeed },
  ): Promise<void> {
    using _metrics = hasMetrics ? this.#forwardMetrics({ id, sessionId, signal }) : undefined;
    try {
      // Without events there is still the end of a session to be told.
      if (hasEvents || sessionId !== undefined) await this.#follow({ id, signal, hasEvents }, feed);
      else if (!signal.aborted) await once(signal, 'abort');
      if (!signal.aborted) this.#notify('ended', { subscriptionId: id, problem: null });
    } catch (error) {
      // The client has its last event's id and may subscribe again.
      if (!signal.aborted) this.#notify('ended', { subscriptionId: id, problem: this.#deps.toProblem(error) });
    } finally {
      this.#all.delete(id);
    }
  }

  /** Sends events as they come, until their session is closed. */
  async #follow(
    { id, signal, hasEvents }: { id: string; signal: AbortSignal; hasEvents: boolean },
    feed: OpenFeed,
  ): Promise<void> {
    const { outbox } = this.#deps;
    for await (const page of feed.pages(signal)) {
      if (!hasEvents) continue;
      for (const event of page) {
        await outbox.whenBelow(SLOW_BYTES, signal);
        this.#notify('event', { subscriptionId: id, event });
      }
    }
  }

  #forwardMetrics(of: { id: string; sessionId: string | undefined; signal: AbortSignal }): Disposable {
    const { id: subscriptionId, sessionId: only, signal } = of;
    const { events, outbox, scope } = this.#deps;
    let missed = 0;
    const tellMissed = async (): Promise<void> => {
      await outbox.whenBelow(SLOW_BYTES, signal);
      this.#notify('missed', { subscriptionId, topic: 'metrics', count: missed });
      missed = 0;
    };
    const forward = ({ sessionId, ownerKeyId, usage }: SessionEvents['usageSampled']): void => {
      if ((only !== undefined && sessionId !== only) || !isInScope(scope, ownerKeyId)) return;
      if (missed === 0 && outbox.bytes < SLOW_BYTES) {
        this.#notify('metrics', { subscriptionId, sessionId, usage });
        return;
      }
      missed += 1;
      // Rejects only when the subscription has ended: nobody is left to tell.
      if (missed === 1) void tellMissed().catch(() => undefined);
    };
    return { [Symbol.dispose]: events.on('usageSampled', forward) };
  }

  #notify<Name extends RealtimeNotificationName>(name: Name, params: RealtimeNotificationParams<Name>): void {
    this.#deps.outbox.send(notificationText(name, params));
  }
}
