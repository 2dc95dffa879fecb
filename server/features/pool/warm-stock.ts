import type { Browser } from '../../browser/index.ts';
import type { TypedEmitter } from '../../lib/typed-emitter.ts';
import type { Logger } from '../../platform/logger/logger.ts';
import type { PoolEvents, WarmEnd } from './pool-events.ts';
import type { WarmClass } from './warm-class.ts';

/** A browser that waits to be claimed. */
export interface WarmBrowser {
  readonly browser: Browser;
  readonly warmClass: WarmClass;
  /** By the clock of `performance.now()`. */
  readonly readyAtMs: number;
}

interface WarmStockDeps {
  readonly events: TypedEmitter<PoolEvents>;
  readonly logger: Logger;
  /** Told that one ended by itself. */
  readonly onDied: () => void;
}

/**
 * The browsers that wait, the oldest first.
 *
 * Each leaves exactly once: taken by somebody who then owns it, or ended here, with a reason.
 */
export class WarmStock implements AsyncDisposable {
  readonly #deps: WarmStockDeps;
  readonly #ready = new Set<WarmBrowser>();
  /** Ends that nobody but the disposal waits for. */
  readonly #ending = new Set<Promise<void>>();

  constructor(deps: WarmStockDeps) {
    this.#deps = deps;
  }

  get size(): number {
    return this.#ready.size;
  }

  /** How many there are of each class that has any. */
  get counts(): Map<WarmClass, number> {
    const counts = new Map<WarmClass, number>();
    for (const { warmClass } of this.#ready) counts.set(warmClass, (counts.get(warmClass) ?? 0) + 1);
    return counts;
  }

  /** The one that has waited longest, of a class or of all. It stays. */
  findOldest(warmClass?: WarmClass): WarmBrowser | undefined {
    return this.#ready.values().find((each) => warmClass === undefined || each.warmClass === warmClass);
  }

  add(browser: Browser, warmClass: WarmClass): void {
    const warm = { browser, warmClass, readyAtMs: performance.now() };
    this.#ready.add(warm);
    void browser.gone.then(() => {
      // One that was taken, or that is being ended, is not ours any more.
      if (!this.#ready.has(warm)) return;
      this.#deps.logger.warn({ pid: browser.pid }, 'warm browser died');
      void this.end(warm, 'dead');
      this.#deps.onDied();
    });
  }

  /** Takes the oldest of a class. The caller must dispose its browser, or hand it to `discard`. */
  takeOldest(warmClass: WarmClass): WarmBrowser | undefined {
    const warm = this.findOldest(warmClass);
    if (warm !== undefined) this.#ready.delete(warm);
    return warm;
  }

  /** Ends one that waits, if it still does, and resolves when nothing of it is left. Never rejects. */
  async end(warm: WarmBrowser, reason: WarmEnd): Promise<void> {
    if (this.#ready.delete(warm)) await this.discard(warm, reason);
  }

  /** Ends one that was taken, and resolves when nothing of it is left. Never rejects. */
  async discard({ browser, warmClass }: WarmBrowser, reason: WarmEnd): Promise<void> {
    this.#deps.events.emit('ended', { reason });
    this.#deps.logger.debug({ pid: browser.pid, warmClass, reason }, 'warm browser is ended');
    const ending = browser[Symbol.asyncDispose]()
      .catch((error: unknown) => {
        this.#deps.logger.error({ err: error, pid: browser.pid }, 'warm browser could not be cleaned up');
      })
      .finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
    await ending;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const warm of [...this.#ready]) void this.end(warm, 'shutdown');
    await Promise.all(this.#ending);
  }
}
