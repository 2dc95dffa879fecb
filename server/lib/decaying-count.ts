/** Counts what happens, and forgets: what was counted weighs half after each half-life. */
export class DecayingCount {
  readonly #halfLifeMs: number;
  readonly #now: () => number;
  #value = 0;
  #at: number;

  /** `now` gives milliseconds that only grow. */
  constructor(halfLifeMs: number, now: () => number = () => performance.now()) {
    this.#halfLifeMs = halfLifeMs;
    this.#now = now;
    this.#at = now();
  }

  get value(): number {
    const now = this.#now();
    this.#value *= 2 ** -((now - this.#at) / this.#halfLifeMs);
    this.#at = now;
    return this.#value;
  }

  add(): void {
    this.#value = this.value + 1;
  }
}
