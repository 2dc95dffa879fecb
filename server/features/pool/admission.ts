import { AppError } from '../../lib/app-error.ts';
import { isTimeout } from '../../lib/deadline.ts';
import { RecentPace } from '../../lib/recent-pace.ts';
import type { MemoryBudget } from './memory-budget.ts';
import { PROMISED_PRIORITY, WaitingLine } from './waiting-line.ts';

const MIB = 1_024 ** 2;

interface AdmissionOptions {
  /** Sessions at once. */
  readonly limit: number;
  /** How many may wait for a place. */
  readonly queueLimit: number;
  /** How long each may wait. Milliseconds. */
  readonly queueTimeoutMs: number;
  readonly memory: Pick<MemoryBudget, 'hasRoomForSession' | 'reserveBytes' | 'promise'>;
  /** Milliseconds that only grow. */
  readonly now?: () => number;
}

/** Who wants a place. */
export interface AdmissionRequest {
  readonly sessionId: string;
  /** Higher goes first; default 0. What a step is worth: see `WaitingLine`. */
  readonly priority?: number;
}

/** A place taken. Disposing it gives the place back, once. */
export interface Place extends Disposable {
  /** Says that the session's browser runs: its memory will soon be counted by the system and need not be set aside. */
  browserRuns(): void;
}

/** Who gives sessions their places: this node for itself, or the cluster. */
export interface SessionPlaces {
  /** Takes a place for one session. The caller must dispose it. @throws {AppError} as `Admission.acquire` */
  acquire(request: AdmissionRequest, signal: AbortSignal): Promise<Place>;
  /** Counts a session that runs already. The caller must dispose the place. */
  admitRunning(sessionId: string): Place;
}

/** One create in line. `position` 1 is served next. */
interface LineEntry {
  readonly position: number;
  readonly sessionId: string;
  readonly priority: number;
  readonly waitedMs: number;
}

/**
 * Decides whether this node takes one more session: at once, in line, or not at all.
 *
 * It takes one when fewer than `limit` are there and there is memory for one more browser. Nobody overtakes those who wait,
 * but by priority. Who waits and goes away gives up the place in line.
 */
export class Admission implements SessionPlaces {
  readonly #options: AdmissionOptions;
  readonly #closed = new AbortController();
  readonly #line: WaitingLine<Place>;
  readonly #releases: RecentPace;
  #taken = 0;

  constructor(options: AdmissionOptions) {
    const { now = () => performance.now() } = options;
    this.#options = options;
    this.#line = new WaitingLine(now);
    this.#releases = new RecentPace(now);
  }

  get limit(): number {
    return this.#options.limit;
  }

  get queueLimit(): number {
    return this.#options.queueLimit;
  }

  get queueTimeoutMs(): number {
    return this.#options.queueTimeoutMs;
  }

  get taken(): number {
    return this.#taken;
  }

  get waiting(): number {
    return this.#line.length;
  }

  get isClosed(): boolean {
    return this.#closed.signal.aborted;
  }

  /** The first `count` of those who wait, in the order in which they will be served. */
  waitingList(count: number): LineEntry[] {
    return this.#line.first(count).map(({ sessionId, priority, waitedMs }, index) => ({
      position: index + 1,
      sessionId,
      priority,
      waitedMs: Math.round(waitedMs),
    }));
  }

  /** Refuses everybody from now on, also those in line. Places that are taken stay taken. */
  close(): void {
    this.#closed.abort(new AppError('SHUTTING_DOWN', 'This node takes no new sessions: it is shutting down'));
  }

  /** Lets in whoever can be by now. To be called from time to time: nobody says when memory has become free. */
  review(): void {
    while (this.#line.length > 0 && this.#hasRoom) this.#line.grantNext(() => this.#take());
  }

  /**
   * Takes a place for one session. The caller must dispose it.
   *
   * @throws {AppError} CAPACITY_EXHAUSTED when the line is full, but for what was promised, or the wait too long; SHUTTING_DOWN
   */
  async acquire({ sessionId, priority = 0 }: AdmissionRequest, signal: AbortSignal): Promise<Place> {
    signal.throwIfAborted();
    this.#closed.signal.throwIfAborted();
    this.review();
    if (this.#line.length === 0 && this.#hasRoom) return this.#take();
    const { queueLimit, queueTimeoutMs } = this.#options;
    const isFull = this.#line.length >= queueLimit && priority < PROMISED_PRIORITY;
    if (isFull) throw this.#refusal(`and ${queueLimit} creates wait already`);
    try {
      const patience = AbortSignal.timeout(queueTimeoutMs);
      const until = AbortSignal.any([signal, this.#closed.signal, patience]);
      return await this.#line.wait({ sessionId, priority }, until);
    } catch (error) {
      if (isTimeout(error)) throw this.#refusal(`and that did not change within ${queueTimeoutMs} ms`);
      throw error;
    }
  }

  /**
   * Counts a session that runs already, whether or not there is room for it: its browser is there and has its memory. The
   * caller must dispose the place.
   */
  admitRunning(): Place {
    const place = this.#take();
    place.browserRuns();
    return place;
  }

  get #hasRoom(): boolean {
    return this.#taken < this.limit && this.#options.memory.hasRoomForSession;
  }

  #take(): Place {
    const promise = this.#options.memory.promise();
    this.#taken += 1;
    let isHeld = true;
    return {
      browserRuns: () => promise.settle(),
      [Symbol.dispose]: () => {
        if (!isHeld) return;
        isHeld = false;
        promise[Symbol.dispose]();
        this.#taken -= 1;
        this.#releases.note();
        this.review();
      },
    };
  }

  #refusal(rest: string): AppError {
    const reserveMb = Math.round(this.#options.memory.reserveBytes / MIB);
    const why =
      this.#taken < this.limit
        ? `Memory is short: with one more browser less than ${reserveMb} MB would stay free`
        : `All ${this.limit} sessions of this node are taken`;
    return new AppError('CAPACITY_EXHAUSTED', `${why}, ${rest}`, {
      extensions: { retryAfterSeconds: this.#estimateSeconds() },
    });
  }

  /** Until those in line and one more have been served, by the recent pace; where that is unknown, the longest wait. */
  #estimateSeconds(): number {
    const longestMs = this.#options.queueTimeoutMs;
    const { intervalMs = longestMs } = this.#releases;
    return Math.max(1, Math.ceil(Math.min(longestMs, intervalMs * (this.#line.length + 1)) / 1_000));
  }
}
