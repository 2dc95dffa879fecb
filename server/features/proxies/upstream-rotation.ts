import type { EgressFailureReason } from '@guise/contract';

import type { Upstream, UpstreamSource } from '../egress/index.ts';
import type { ProxyHealth } from './proxy-health.ts';

/** When the members of a group take turns. `session`: only when the one in use fails. */
export type RotationPeriod =
  { readonly per: 'session' | 'request' } | { readonly per: 'interval'; readonly intervalMs: number };

/** A stored proxy among others. */
export type Member = Upstream & { readonly proxyId: string };

interface RotationDeps {
  readonly health: ProxyHealth;
  readonly now?: () => number;
}

/**
 * The proxies of a group for the connections of one session.
 *
 * One of them is current. The turn passes to the next with each connection, after each interval, or not at all; and whenever the current
 * one is avoided because it failed. The rest stand behind it in their order, the avoided ones last: a connection fails over from one to
 * the next, and where all are avoided they are tried all the same.
 */
export class UpstreamRotation implements UpstreamSource {
  readonly #members: readonly Member[];
  readonly #period: RotationPeriod;
  readonly #health: ProxyHealth;
  readonly #now: () => number;
  #current = 0;
  #turnBegan: number;
  #isUsed = false;

  /** `members`: at least one; the first has the first turn. */
  constructor(
    members: readonly [Member, ...Member[]],
    period: RotationPeriod,
    { health, now = Date.now }: RotationDeps,
  ) {
    this.#members = members;
    this.#period = period;
    this.#health = health;
    this.#now = now;
    this.#turnBegan = now();
  }

  /** The member a connection would leave through now, without giving it one. */
  get current(): Member {
    return this.#order()[0] ?? this.#at(0);
  }

  choose(): readonly Upstream[] {
    this.#passTurn();
    const order = this.#order();
    const [first] = order;
    if (first !== undefined) {
      this.#health.startTrial(first.proxyId);
      // Who stands in for one that is avoided keeps the turn: the exit changes once, not with each recovery.
      this.#current = this.#members.indexOf(first);
    }
    return order;
  }

  report({ proxyId }: Upstream, outcome: 'connected' | EgressFailureReason): void {
    if (proxyId !== undefined) this.#health.report(proxyId, outcome);
  }

  #passTurn(): void {
    const isFirst = !this.#isUsed;
    this.#isUsed = true;
    const { per } = this.#period;
    if (per === 'request' && !isFirst) this.#current += 1;
    if (per === 'interval') {
      const passed = Math.floor((this.#now() - this.#turnBegan) / this.#period.intervalMs);
      this.#current += Math.max(passed, 0);
      this.#turnBegan += Math.max(passed, 0) * this.#period.intervalMs;
    }
    this.#current %= this.#members.length;
  }

  #at(offset: number): Member {
    const member = this.#members[(this.#current + offset) % this.#members.length];
    if (member === undefined) throw new Error('A rotation group has no members');
    return member;
  }

  #order(): Member[] {
    const turns = this.#members.map((_, offset) => this.#at(offset));
    const fit = turns.filter(({ proxyId }) => !this.#health.isAvoided(proxyId));
    // The one whose time is nearest first.
    const avoided = turns
      .filter((member) => !fit.includes(member))
      .toSorted((one, other) => this.#waitOf(one) - this.#waitOf(other));
    return [...fit, ...avoided];
  }

  #waitOf({ proxyId }: Member): number {
    return this.#health.avoidedUntil(proxyId)?.getTime() ?? 0;
  }
}

/** One proxy for all connections: there is nothing to fail over to. Of a stored one it is noted how it does. */
export function singleUpstream(upstream: Upstream, health: ProxyHealth): UpstreamSource {
  const upstreams = [upstream];
  return {
    choose: () => upstreams,
    report: ({ proxyId }, outcome) => {
      if (proxyId !== undefined) health.report(proxyId, outcome);
    },
  };
}
