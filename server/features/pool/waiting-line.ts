/** One who waits. */
export interface Waiter {
  readonly sessionId: string;
  readonly priority: number;
  /** By the line's own clock. */
  readonly since: number;
}

interface Entry<Value> extends Waiter {
  /** Who has the smaller one goes first. */
  readonly rank: number;
  readonly grant: (value: Value) => void;
}

/** How many milliseconds of waiting one step of priority is worth. */
export const PRIORITY_STEP_MS = 10_000;
/** Far above what any key has: of sessions that were promised to somebody already. For them no line is too long. */
export const PROMISED_PRIORITY = 100;

/**
 * A line of those who wait for the same kind of thing.
 *
 * One step of priority counts as having come ten seconds earlier. So within one priority it is first come, first served; a
 * higher one goes first, but before nobody who has waited ten seconds longer for each step between them: nobody is
 * overtaken for ever.
 */
export class WaitingLine<Value> {
  readonly #now: () => number;
  /** By rank; equal ranks in the order of arrival. */
  readonly #entries: Entry<Value>[] = [];

  /** `now` gives milliseconds that only grow. */
  constructor(now: () => number) {
    this.#now = now;
  }

  get length(): number {
    return this.#entries.length;
  }

  /** The first of those who wait, in the order in which they will be served. */
  first(count: number): (Waiter & { readonly waitedMs: number })[] {
    return this.#entries
      .slice(0, count)
      .map(({ sessionId, priority, since }) => ({ sessionId, priority, since, waitedMs: this.#now() - since }));
  }

  /** Waits until it is granted something. Leaves the line and rejects when `signal` is aborted first. */
  async wait(waiter: Pick<Waiter, 'sessionId' | 'priority'>, signal: AbortSignal): Promise<Value> {
    signal.throwIfAborted();
    const granted = Promise.withResolvers<Value>();
    const { sessionId, priority } = waiter;
    const since = this.#now();
    const entry = { sessionId, priority, since, rank: since - priority * PRIORITY_STEP_MS, grant: granted.resolve };
    const onAbort = (): void => {
      // Granted already: it is the waiter's, who disposes it.
      if (this.#remove(entry)) granted.reject(signal.reason as Error);
    };
    this.#insert(entry);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await granted.promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Grants something to the first in line; nothing happens where there is none. */
  grantNext(value: () => Value): void {
    this.#entries.shift()?.grant(value());
  }

  #insert(entry: Entry<Value>): void {
    const behind = this.#entries.findLastIndex(({ rank }) => rank <= entry.rank);
    this.#entries.splice(behind + 1, 0, entry);
  }

  #remove(entry: Entry<Value>): boolean {
    const index = this.#entries.indexOf(entry);
    if (index >= 0) this.#entries.splice(index, 1);
    return index >= 0;
  }
}
