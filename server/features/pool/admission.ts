import { AppError } from '../../lib/app-error.ts';
import { isTimeout } from '../../lib/deadline.ts';
import { Semaphore, type Slot } from '../../lib/semaphore.ts';

interface AdmissionOptions {
  /** Sessions at once. */
  readonly limit: number;
  /** How many may wait for a place. */
  readonly queueLimit: number;
  /** How long each may wait. Milliseconds. */
  readonly queueTimeoutMs: number;
}

/**
 * Decides whether this node takes one more session: at once, in line, or not at all.
 *
 * First come, first served. Who waits and goes away gives up the place in line.
 */
export class Admission {
  readonly #places: Semaphore;
  readonly #options: AdmissionOptions;
  readonly #closed = new AbortController();

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#places = new Semaphore(options.limit);
  }

  get limit(): number {
    return this.#options.limit;
  }

  get queueLimit(): number {
    return this.#options.queueLimit;
  }

  get taken(): number {
    return this.#places.taken;
  }

  get waiting(): number {
    return this.#places.waiting;
  }

  get isClosed(): boolean {
    return this.#closed.signal.aborted;
  }

  /** Refuses everybody from now on, also those in line. Places that are taken stay taken. */
  close(): void {
    this.#closed.abort(new AppError('SHUTTING_DOWN', 'This node takes no new sessions: it is shutting down'));
  }

  /**
   * Takes a place for one session. The caller must dispose it.
   *
   * @throws {AppError} CAPACITY_EXHAUSTED when the line is full or the wait too long; SHUTTING_DOWN
   */
  async acquire(signal: AbortSignal): Promise<Slot> {
    this.#closed.signal.throwIfAborted();
    const free = this.#places.tryAcquire();
    if (free !== undefined) return free;
    const { queueLimit, queueTimeoutMs } = this.#options;
    if (this.#places.waiting >= queueLimit) throw this.#full('and so is the waiting line');
    try {
      const patience = AbortSignal.timeout(queueTimeoutMs);
      return await this.#places.acquire(AbortSignal.any([signal, this.#closed.signal, patience]));
    } catch (error) {
      if (isTimeout(error)) throw this.#full(`and none became free within ${queueTimeoutMs} ms`);
      throw error;
    }
  }

  #full(rest: string): AppError {
    const retryAfterSeconds = Math.max(1, Math.ceil(this.#options.queueTimeoutMs / 1_000));
    return new AppError('CAPACITY_EXHAUSTED', `All ${this.#options.limit} sessions of this node are taken, ${rest}`, {
      extensions: { retryAfterSeconds },
    });
  }
}
