import { DecayingCount } from '../../lib/decaying-count.ts';
import type { BrowserKind } from './browser-kind.ts';

/** Demand of this long ago weighs half. Milliseconds. */
const HALF_LIFE_MS = 5 * 60_000;
/** How many kinds are remembered: clients can ask for more than there is any use in knowing. */
const MOST_KINDS = 64;

interface KindDemand {
  readonly kind: BrowserKind;
  readonly claims: DecayingCount;
}

/** What has been asked of the pool lately: how often each kind, and how often in vain. */
export class PoolDemand {
  readonly #kinds: Map<string, KindDemand>;
  readonly #usual: BrowserKind;
  readonly #hits: DecayingCount;
  readonly #misses: DecayingCount;
  readonly #now: (() => number) | undefined;

  /** `usual` is always among the kinds. `now` gives milliseconds that only grow. */
  constructor(usual: BrowserKind, now?: () => number) {
    this.#now = now;
    this.#usual = usual;
    this.#kinds = new Map([[usual.key, { kind: usual, claims: this.#count() }]]);
    this.#hits = this.#count();
    this.#misses = this.#count();
  }

  /** Recent claims of each kind, by its key; older ones count for less. */
  get claims(): Map<string, number> {
    return new Map([...this.#kinds].map(([key, { claims }]) => [key, claims.value]));
  }

  /** Of the recent claims that could have been served warm, the part that was; undefined when there were none. */
  get hitRate(): number | undefined {
    const [hits, misses] = [this.#hits.value, this.#misses.value];
    // So little is left after an hour and a half without a claim.
    return hits + misses < 1e-5 ? undefined : hits / (hits + misses);
  }

  /** The kind of this key, if it has been asked for. */
  find(key: string): BrowserKind | undefined {
    return this.#kinds.get(key)?.kind;
  }

  addClaim(kind: BrowserKind): void {
    const known = this.#kinds.get(kind.key);
    if (known !== undefined) {
      known.claims.add();
      return;
    }
    if (this.#kinds.size >= MOST_KINDS) this.#forgetOne();
    const claims = this.#count();
    claims.add();
    this.#kinds.set(kind.key, { kind, claims });
  }

  addOutcome(outcome: 'hit' | 'miss'): void {
    (outcome === 'hit' ? this.#hits : this.#misses).add();
  }

  #forgetOne(): void {
    const others = [...this.#kinds].filter(([key]) => key !== this.#usual.key);
    const least = others.reduce((one, other) => (other[1].claims.value < one[1].claims.value ? other : one));
    this.#kinds.delete(least[0]);
  }

  #count(): DecayingCount {
    return new DecayingCount(HALF_LIFE_MS, this.#now);
  }
}
