/** A place taken; disposing it gives the place back, once. */
export type Slot = Disposable;

interface Waiter {
  readonly grant: (slot: Slot) => void;
}

/**
 * Limits how many hold a place at once. Who waits is served in the order of arrival, those who let others go first after
 * all the others.
 */
export class Semaphore {
  readonly limit: number;
  #taken = 0;
  readonly #waiting = new Set<Waiter>();
  readonly #waitingLast = new Set<Waiter>();

  constructor(limit: number) {
    this.limit = limit;
  }

  get taken(): number {
    return this.#taken;
  }

  get waiting(): number {
    return this.#waiting.size + this.#waitingLast.size;
  }

  /** Takes a place at once, or undefined when there is none. Never overtakes those who wait. */
  tryAcquire(): Slot | undefined {
    if (this.#taken >= this.limit || this.waiting > 0) return undefined;
    return this.#take();
  }

  /** Takes a place, waiting for one if need be. The caller must dispose it. Rejects when `signal` is aborted first. */
  async acquire(signal: AbortSignal): Promise<Slot> {
    return this.#acquireFrom(this.#waiting, signal);
  }

  /** As `acquire`, for what can wait: also those who come later to `acquire` are served before. */
  async acquireLast(signal: AbortSignal): Promise<Slot> {
    return this.#acquireFrom(this.#waitingLast, signal);
  }

  async #acquireFrom(line: Set<Waiter>, signal: AbortSignal): Promise<Slot> {
    signal.throwIfAborted();
    const free = this.tryAcquire();
    if (free !== undefined) return free;
    const granted = Promise.withResolvers<Slot>();
    const waiter = { grant: granted.resolve };
    const onAbort = (): void => {
      // Granted already: the place is ours, and whoever asked disposes it.
      if (line.delete(waiter)) granted.reject(signal.reason as Error);
    };
    line.add(waiter);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await granted.promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  #take(): Slot {
    this.#taken += 1;
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (!held) return;
        held = false;
        this.#taken -= 1;
        this.#grantNext();
      },
    };
  }

  #grantNext(): void {
    const line = this.#waiting.size > 0 ? this.#waiting : this.#waitingLast;
    const [next] = line;
    if (next === undefined || this.#taken >= this.limit) return;
    line.delete(next);
    next.grant(this.#take());
  }
}
