import { setTimeout as sleep } from 'node:timers/promises';

import { type Browser, type BrowserSpec, fitsUsualScreen } from '../../browser/index.ts';
import { once } from '../../lib/once.ts';
import { Semaphore } from '../../lib/semaphore.ts';
import type { Logger } from '../../platform/logger/logger.ts';

/** A refill waits until no browser has been asked for during this time, so that it does not slow a burst of claims. */
const QUIET_MS = 100;
/** Yet a steady stream of claims does not put it off for ever. */
const LONGEST_DELAY_MS = 1_000;
/** A warm browser that takes longer to answer than this is not handed out. */
const CLAIM_TIMEOUT_MS = 1_000;
const FIRST_BACKOFF_MS = 1_000;
const LONGEST_BACKOFF_MS = 60_000;

interface WarmPoolOptions {
  /** How many started, unused browsers to keep. */
  readonly size: number;
  /** What they are: the browser most sessions ask for. */
  readonly spec: BrowserSpec;
  readonly launch: (spec: BrowserSpec, signal: AbortSignal) => Promise<Browser>;
  /** Launches at once, warm and cold together: more would only make each of them slower. */
  readonly launchLimit: number;
  readonly logger: Logger;
}

/** How a browser was come by. */
export interface AcquiredBrowser {
  readonly browser: Browser;
  readonly isWarm: boolean;
}

/** Whether a running browser born as `warm` can become what `wanted` asks for without a trace of having been another. */
function canBecome(warm: BrowserSpec, wanted: BrowserSpec): boolean {
  return (
    warm.headless === wanted.headless &&
    warm.hideAutomation === wanted.hideAutomation &&
    (wanted.viewport.deviceScaleFactor ?? 1) === (warm.viewport.deviceScaleFactor ?? 1) &&
    fitsUsualScreen(wanted.viewport) &&
    [wanted.timezone, wanted.locale, wanted.geolocation, wanted.userAgent].every((each) => each === undefined) &&
    wanted.launchArgs.length + wanted.extensionDirs.length === 0
  );
}

/**
 * Keeps browsers started ahead of demand.
 *
 * A browser leaves the pool when it is acquired and never comes back: a used one must not reach a second session.
 * One that dies while it waits is replaced. Refilling happens in the background, one browser after another.
 */
export class WarmPool implements AsyncDisposable {
  readonly #options: WarmPoolOptions;
  readonly #stop = new AbortController();
  readonly #ready = new Set<Browser>();
  /** Ends of browsers nobody waits for but our own. */
  readonly #discarding = new Set<Promise<void>>();
  readonly #launches: Semaphore;
  #starting = 0;
  #lastClaimAt = 0;
  #refill: Promise<void> | undefined;
  #lastFailure: unknown;
  readonly [Symbol.asyncDispose] = once(() => this.#close());

  constructor(options: WarmPoolOptions) {
    this.#options = options;
    this.#launches = new Semaphore(options.launchLimit);
  }

  /** How many browsers wait to be claimed. */
  get readyCount(): number {
    return this.#ready.size;
  }

  get startingCount(): number {
    return this.#starting;
  }

  /** Why the last attempt to start a warm browser failed; undefined when it did not. */
  get lastFailure(): unknown {
    return this.#lastFailure;
  }

  get size(): number {
    return this.#options.size;
  }

  /** Begins to fill the pool in the background. */
  start(): void {
    this.#scheduleRefill();
  }

  /**
   * Takes a warm browser that fits, or launches one. The caller owns it and must dispose it.
   *
   * @throws {AppError} BROWSER_LAUNCH_FAILED
   */
  async acquire(spec: BrowserSpec, signal: AbortSignal): Promise<AcquiredBrowser> {
    this.#lastClaimAt = performance.now();
    const warm = canBecome(this.#options.spec, spec) ? await this.#claim(spec, signal) : undefined;
    this.#scheduleRefill();
    return { browser: warm ?? (await this.#launch(spec, signal)), isWarm: warm !== undefined };
  }

  /** A warm browser that answers and has the size that is asked for. */
  async #claim(spec: BrowserSpec, signal: AbortSignal): Promise<Browser | undefined> {
    for (const browser of this.#ready) {
      signal.throwIfAborted();
      // Before anything is waited for, so that nobody else takes it.
      this.#ready.delete(browser);
      try {
        await this.#makeFit(browser, spec, AbortSignal.any([signal, AbortSignal.timeout(CLAIM_TIMEOUT_MS)]));
        return browser;
      } catch (error) {
        // Dead or hung: it can be so before we are told.
        this.#options.logger.warn({ err: error, pid: browser.pid }, 'warm browser did not answer');
        this.#discard(browser);
      }
    }
    return undefined;
  }

  async #makeFit(browser: Browser, { viewport }: BrowserSpec, signal: AbortSignal): Promise<void> {
    const { width, height } = this.#options.spec.viewport;
    if (viewport.width === width && viewport.height === height) await browser.ping(signal);
    else await browser.resize(viewport, signal);
  }

  /** Frees what is left of a browser nobody will use, in the background. */
  #discard(browser: Browser): void {
    const discarding = browser[Symbol.asyncDispose]()
      .catch((error: unknown) => {
        this.#options.logger.error({ err: error, pid: browser.pid }, 'dead browser could not be cleaned up');
      })
      .finally(() => this.#discarding.delete(discarding));
    this.#discarding.add(discarding);
  }

  async #launch(spec: BrowserSpec, signal: AbortSignal): Promise<Browser> {
    using _slot = await this.#launches.acquire(signal);
    return await this.#options.launch(spec, AbortSignal.any([signal, this.#stop.signal]));
  }

  #scheduleRefill(): void {
    if (this.#refill !== undefined || this.#stop.signal.aborted || this.#ready.size >= this.#options.size) return;
    this.#refill = this.#fill().finally(() => {
      this.#refill = undefined;
      // Somebody may have taken one between the last look and here.
      if (!this.#stop.signal.aborted && this.#ready.size < this.#options.size) this.#scheduleRefill();
    });
  }

  /** Never rejects: a launch that fails is tried again, later and later. */
  async #fill(): Promise<void> {
    const { signal } = this.#stop;
    let backoffMs = FIRST_BACKOFF_MS;
    while (!signal.aborted && this.#ready.size < this.#options.size) {
      try {
        await this.#waitForQuiet(signal);
        await this.#addOne(signal);
        backoffMs = FIRST_BACKOFF_MS;
        this.#lastFailure = undefined;
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        this.#lastFailure = error;
        this.#options.logger.warn({ err: error, retryInMs: backoffMs }, 'warm browser did not start');
        await sleep(backoffMs, undefined, { signal }).catch(() => undefined);
        backoffMs = Math.min(backoffMs * 2, LONGEST_BACKOFF_MS);
      }
    }
  }

  async #waitForQuiet(signal: AbortSignal): Promise<void> {
    const latest = performance.now() + LONGEST_DELAY_MS;
    for (;;) {
      const now = performance.now();
      const waitMs = Math.min(this.#lastClaimAt + QUIET_MS, latest) - now;
      if (this.#lastClaimAt === 0 || waitMs <= 0) return;
      await sleep(waitMs, undefined, { signal });
    }
  }

  async #addOne(signal: AbortSignal): Promise<void> {
    this.#starting += 1;
    try {
      const browser = await this.#launch(this.#options.spec, signal);
      this.#ready.add(browser);
      void browser.gone.then(() => this.#onGone(browser));
    } finally {
      this.#starting -= 1;
    }
  }

  #onGone(browser: Browser): void {
    // One that was claimed, or that we are disposing, is not ours any more.
    if (!this.#ready.delete(browser)) return;
    this.#options.logger.warn({ pid: browser.pid }, 'warm browser died');
    this.#discard(browser);
    this.#scheduleRefill();
  }

  async #close(): Promise<void> {
    this.#stop.abort();
    await this.#refill;
    const browsers = [...this.#ready];
    this.#ready.clear();
    await Promise.all([...this.#discarding, ...browsers.map((browser) => browser[Symbol.asyncDispose]())]);
  }
}
