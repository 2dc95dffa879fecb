import { DecayingCount } from '../../lib/decaying-count.ts';
import type { WarmClass } from './warm-class.ts';

/** Demand of this long ago weighs half. Milliseconds. */
const HALF_LIFE_MS = 5 * 60_000;

/** What has been asked of the pool lately: how often each class, and how often in vain. */
export class PoolDemand {
  readonly #claims: ReadonlyMap<WarmClass, DecayingCount>;
  readonly #hits: DecayingCount;
  readonly #misses: DecayingCount;

  /** `now` gives milliseconds that only grow. */
  constructor(classes: readonly WarmClass[], now?: () => number) {
    const count = (): DecayingCount => new DecayingCount(HALF_LIFE_MS, now);
    this.#claims = new Map(classes.map((each) => [each, count()]));
    this.#hits = count();
    this.#misses = count();
  }

  /** Recent claims of each class there can be; older ones count for less. */
  get claims(): Map<WarmClass, number> {
    return new Map([...this.#claims].map(([warmClass, count]) => [warmClass, count.value]));
  }

  /** Of the recent claims that could have been served warm, the part that was; undefined when there were none. */
  get hitRate(): number | undefined {
    const [hits, misses] = [this.#hits.value, this.#misses.value];
    // So little is left after an hour and a half without a claim.
    return hits + misses < 1e-5 ? undefined : hits / (hits + misses);
  }

  addClaim(warmClass: WarmClass): void {
    this.#claims.get(warmClass)?.add();
  }

  addOutcome(outcome: 'hit' | 'miss'): void {
    (outcome === 'hit' ? this.#hits : this.#misses).add();
  }
}
