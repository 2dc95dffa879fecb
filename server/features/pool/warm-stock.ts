import type { Browser } from '../../browser/index.ts';
import type { TypedEmitter } from '../../lib/typed-emitter.ts';
import type { Logger } from '../../platform/logger/logger.ts';
import type { BrowserKind, BrowserRequest } from './browser-kind.ts';
import type { PoolEvents, WarmEnd } from './pool-events.ts';

/** A browser that waits to be claimed. */
export interface WarmBrowser {
  readonly browser: Browser;
  readonly kind: BrowserKind;
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

  /** How many there are of each kind that has any, by its key. */
  get counts(): Map<string, number> {
    return this.#countBy(({ key }) => key);
  }

  /** How many there are of all kinds of a name. */
  get countsByName(): Map<string, number> {
    return this.#countBy(({ name }) => name);
  }

  /** The one that has waited longest, of a kind or of all. It stays. */
  findOldest(key?: string): WarmBrowser | undefined {
    return this.#ready.values().find(({ kind }) => key === undefined || kind.key === key);
  }

  add(browser: Browser, kind: BrowserKind): void {
    const warm = { browser, kind, readyAtMs: performance.now() };
    this.#ready.add(warm);
    void browser.gone.then(() => {
      // One that was taken, or that is being ended, is not ours any more.
      if (!this.#ready.has(warm)) return;
      this.#deps.logger.warn({ pid: browser.pid }, 'warm browser died');
      void this.end(warm, 'dead');
      this.#deps.onDied();
    });
  }

  /**
   * Takes the oldest that can become what is asked for, one of the very kind first. The caller must dispose its browser, or hand it
   * to `discard`.
   */
  takeFor({ kind, accepts }: BrowserRequest): WarmBrowser | undefined {
    const fitting = this.#ready.values().filter(({ browser }) => accepts(browser.spec));
    const all = [...fitting];
    const warm = all.find((each) => each.kind.key === kind.key) ?? all[0];
    if (warm !== undefined) this.#ready.delete(warm);
    return warm;
  }

  /** Ends one that waits, if it still does, and resolves when nothing of it is left. Never rejects. */
  async end(warm: WarmBrowser, reason: WarmEnd): Promise<void> {
    if (this.#ready.delete(warm)) await this.discard(warm, reason);
  }

  /** Ends one that was taken, and resolves when nothing of it is left. Never rejects. */
  async discard({ browser, kind }: WarmBrowser, reason: WarmEnd): Promise<void> {
    this.#deps.events.emit('ended', { reason });
    this.#deps.logger.debug({ pid: browser.pid, kind: kind.name, reason }, 'warm browser is ended');
    const ending = browser[Symbol.asyncDispose]()
      .catch((error: unknown) => {
        this.#deps.logger.error({ err: error, pid: browser.pid }, 'warm browser could not be cleaned up');
      })
      .finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
    await ending;
  }

  #countBy(of: (kind: BrowserKind) => string): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { kind } of this.#ready) counts.set(of(kind), (counts.get(of(kind)) ?? 0) + 1);
    return counts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const warm of [...this.#ready]) void this.end(warm, 'shutdown');
    await Promise.all(this.#ending);
  }
}
