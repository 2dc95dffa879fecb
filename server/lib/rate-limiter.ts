/** How much of something in which span of time. */
export interface RateLimit {
  readonly most: number;
  readonly windowMs: number;
}

/** Whether one more was let through; if not, when the next will be. Milliseconds; 0 where it was. */
export interface RateDecision {
  readonly isAllowed: boolean;
  readonly retryAfterMs: number;
}

/**
 * Lets so many of something through in any span of time, for each key. What is refused does not count.
 *
 * The span is counted in slots, a sixtieth of it each: sixty numbers a key, however high the limit. A slot counts until it is outside whole, so
 * that there are never more than so many in a span, and who was refused waits a sixtieth of it too long at most.
 */
export interface RateLimiter {
  take(key: string, limit: RateLimit): Promise<RateDecision>;
}

export const SLOTS_PER_WINDOW = 60;
/** Keys that are kept; those that were used longest ago are forgotten first. */
const MAX_KEYS = 10_000;

interface Slot {
  readonly index: number;
  count: number;
}

/** A `RateLimiter` for one process. */
export class LocalRateLimiter implements RateLimiter {
  readonly #now: () => number;
  readonly #slots = new Map<string, Slot[]>();

  /** `now` gives milliseconds that only grow. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  async take(key: string, { most, windowMs }: RateLimit): Promise<RateDecision> {
    const now = this.#now();
    const slotMs = windowMs / SLOTS_PER_WINDOW;
    const index = Math.floor(now / slotMs);
    const slots = (this.#slots.get(key) ?? []).filter((slot) => slot.index >= index - SLOTS_PER_WINDOW);
    this.#keep(key, slots);
    const total = slots.reduce((sum, { count }) => sum + count, 0);
    if (total >= most) {
      const gone = firstGone(slots, total - most + 1);
      return { isAllowed: false, retryAfterMs: Math.max(1, Math.ceil((gone + SLOTS_PER_WINDOW + 1) * slotMs - now)) };
    }
    const last = slots.at(-1);
    if (last?.index === index) last.count += 1;
    else slots.push({ index, count: 1 });
    return { isAllowed: true, retryAfterMs: 0 };
  }

  /** Behind all others, of which there are not too many afterwards. */
  #keep(key: string, slots: Slot[]): void {
    this.#slots.delete(key);
    this.#slots.set(key, slots);
    const [oldest] = this.#slots.keys();
    if (this.#slots.size > MAX_KEYS && oldest !== undefined) this.#slots.delete(oldest);
  }
}

/** The slot with whose end so many will be outside. */
function firstGone(slots: readonly Slot[], count: number): number {
  let sum = 0;
  for (const slot of slots) {
    sum += slot.count;
    if (sum >= count) return slot.index;
  }
  return slots.at(-1)?.index ?? 0;
}
