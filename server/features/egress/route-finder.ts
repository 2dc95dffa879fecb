import type { EgressFailureReason, RefusalReason } from '@guise/contract';

import { findRuleRefusal, leavesAsRuled } from './check-rules.ts';
import type { Counts } from './copy-stream.ts';
import type { Dialer, Route } from './dialer.ts';
import { ConnectionRefused } from './egress-problem.ts';
import type { Destination, EgressRules } from './egress-rules.ts';
import type { Patience } from './patience.ts';
import { type TrafficMeter, TrafficSpent } from './traffic-meter.ts';

/** What the connections of one browser have in common. */
export interface BrowserContext {
  readonly dialer: Dialer;
  readonly meter: TrafficMeter;
  readonly patience: Patience;
  /** Those that hold now. */
  readonly rules: () => EgressRules;
  /** Tells that a connection was refused. */
  readonly onRefused: (destination: Destination, refusal: { reason: RefusalReason; message: string }) => void;
  /** Tells that a connection did not come about. */
  readonly onFailed: (destination: Destination, failure: { reason: EgressFailureReason; message: string }) => void;
  /** Tells that the session has just used up its traffic. */
  readonly onSpent: (destination: Destination) => void;
}

/** A route to where a browser wants to. */
export interface Way extends Route {
  readonly destination: Destination;
}

const RULES_CHANGED = new Error('The rules of the session have changed');

/** Finds the way of one connection, and says whether it may still be gone when the rules change. */
export class RouteFinder {
  readonly #context: BrowserContext;
  #redial: AbortController | undefined;

  constructor(context: BrowserContext) {
    this.#context = context;
  }

  /** @throws {ConnectionRefused} when the rules of the session forbid it now */
  check({ host }: Destination): void {
    if (this.#context.meter.isSpent)
      throw new ConnectionRefused('traffic_limit', 'The session has used up its traffic');
    const refusal = findRuleRefusal(host, this.#context.rules());
    if (refusal !== undefined) throw refusal;
  }

  /**
   * A way to the destination as the rules are when it is found. The caller must end it.
   * @throws {ConnectionRefused}
   * @throws {ConnectionFailed}
   * @throws the signal's reason
   */
  async open(destination: Destination, isPlainHttp: boolean, signal: AbortSignal): Promise<Way> {
    for (;;) {
      signal.throwIfAborted();
      this.check(destination);
      const redial = new AbortController();
      this.#redial = redial;
      const { upstreams } = this.#context.rules();
      try {
        const request = { target: destination, isPlainHttp, upstreams };
        const route = await this.#context.dialer.dial(request, AbortSignal.any([signal, redial.signal]));
        if (!redial.signal.aborted) {
          this.#context.meter.addConnection();
          return { ...route, destination };
        }
        route.peer.abort();
      } catch (error) {
        if (!redial.signal.aborted || signal.aborted) throw error;
      } finally {
        this.#redial = undefined;
      }
    }
  }

  /** Has a way that is being looked for be looked for anew. */
  reconsider(): void {
    this.#redial?.abort(RULES_CHANGED);
  }

  /** Whether the rules let a connection go on the way it goes. */
  isStillRight({ destination, upstream }: Way): boolean {
    const rules = this.#context.rules();
    return findRuleRefusal(destination.host, rules) === undefined && leavesAsRuled(upstream, rules);
  }

  /** Counts bytes of a way; tells, once, when they were too many. */
  countsOf({ destination }: Way): Counts {
    const { meter, onSpent, patience } = this.#context;
    const guard = (add: () => void): void => {
      try {
        add();
      } catch (error) {
        if (error instanceof TrafficSpent) onSpent(destination);
        throw error;
      }
    };
    return {
      halfOpenMs: patience.halfOpenMs,
      sent: (bytes) => guard(() => meter.addSent(bytes)),
      received: (bytes) => guard(() => meter.addReceived(bytes)),
    };
  }
}
