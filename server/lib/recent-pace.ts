/** How many of the last events are looked at. */
const KEPT = 32;

/** How fast something happens, by the last times it did. */
export class RecentPace {
  readonly #now: () => number;
  readonly #moments: number[] = [];

  /** `now` gives milliseconds that only grow. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Notes that it happened. */
  note(): void {
    this.#moments.push(this.#now());
    if (this.#moments.length > KEPT) this.#moments.shift();
  }

  /**
   * Milliseconds between two of the last events, on average, the time since the last one counted in; undefined where it
   * has not happened twice.
   */
  get intervalMs(): number | undefined {
    const [first] = this.#moments;
    if (first === undefined || this.#moments.length < 2) return undefined;
    return (this.#now() - first) / (this.#moments.length - 1);
  }
}
