import { setTimeout as sleep } from 'node:timers/promises';

import type { Browser, BrowserSpec, FillUserData } from '../../browser/index.ts';
import { BackgroundLoop } from '../../lib/background-loop.ts';
import { once } from '../../lib/once.ts';
import { Semaphore } from '../../lib/semaphore.ts';
import type { TypedEmitter } from '../../lib/typed-emitter.ts';
import type { Logger } from '../../platform/logger/logger.ts';
import type { BrowserKind, BrowserRequest } from './browser-kind.ts';
import type { MemoryBudget } from './memory-budget.ts';
import { PoolDemand } from './pool-demand.ts';
import type { PoolEvents } from './pool-events.ts';
import { nextKind, planShares, surplusKind, toTargets } from './pool-plan.ts';
import { type WarmBrowser, WarmStock } from './warm-stock.ts';

/** A refill waits until no browser has been asked for during this time, so that it does not slow a burst of claims. */
const QUIET_MS = 100;
/** Yet a steady stream of claims does not put it off for ever. */
const LONGEST_DELAY_MS = 1_000;
/** A warm browser that takes longer to answer than this is not handed out. */
const CLAIM_TIMEOUT_MS = 1_000;
const FIRST_BACKOFF_MS = 1_000;
const LONGEST_BACKOFF_MS = 60_000;
/** How often age and memory are looked at. Milliseconds. */
const CHECK_INTERVAL_MS = 1_000;

interface WarmPoolOptions {
  /** How many started, unused browsers to keep, of all kinds together. */
  readonly size: number;
  /** What most sessions ask for; it always keeps one place. */
  readonly usual: BrowserKind;
  /** Whether this host can run browsers of a kind. The usual one has to be among them. */
  readonly canRun: (kind: BrowserKind) => boolean;
  /** A browser that has waited longer than this is replaced. Milliseconds. */
  readonly maxAgeMs: number;
  readonly launch: (spec: BrowserSpec, signal: AbortSignal, fill?: FillUserData) => Promise<Browser>;
  /** Launches at once, warm and cold together: more would only make each of them slower. */
  readonly launchLimit: number;
  readonly memory: MemoryBudget;
  readonly events: TypedEmitter<PoolEvents>;
  readonly logger: Logger;
}

/** How a browser was come by. */
export interface AcquiredBrowser {
  readonly browser: Browser;
  readonly isWarm: boolean;
}

/** The warm browsers of all kinds of a name, as they stand. */
interface ClassReport {
  readonly class: string;
  readonly target: number;
  readonly ready: number;
  readonly starting: number;
}

/**
 * Keeps browsers started ahead of demand.
 *
 * A browser leaves the pool when it is acquired and never comes back: a used one must not reach a second session.
 * The pool holds `size` browsers, shared among the kinds by recent demand (see `pool-plan.ts`). One that dies is replaced;
 * one that has grown old, or whose kind has more than its share, is ended after its successor runs. Refilling happens in
 * the background, one browser after another, after all launches that somebody waits for, and only while there is memory
 * for it. When memory runs short the oldest are ended.
 */
export class WarmPool implements AsyncDisposable {
  readonly #options: WarmPoolOptions;
  readonly #stop = new AbortController();
  readonly #stock: WarmStock;
  readonly #demand: PoolDemand;
  readonly #launches: Semaphore;
  #starting: BrowserKind | undefined;
  #lastClaimAt = 0;
  #refill: Promise<void> | undefined;
  #checks: BackgroundLoop | undefined;
  #isMemoryShort = false;
  #lastFailure: unknown;
  readonly [Symbol.asyncDispose] = once(() => this.#close());

  constructor(options: WarmPoolOptions) {
    this.#options = options;
    this.#launches = new Semaphore(options.launchLimit);
    this.#demand = new PoolDemand(options.usual);
    const { events, logger } = options;
    this.#stock = new WarmStock({ events, logger, onDied: () => this.#scheduleRefill() });
  }

  /** How many browsers wait to be claimed. */
  get readyCount(): number {
    return this.#stock.size;
  }

  get startingCount(): number {
    return this.#starting === undefined ? 0 : 1;
  }

  /** Why the last attempt to start a warm browser failed; undefined when it did not. */
  get lastFailure(): unknown {
    return this.#lastFailure;
  }

  get size(): number {
    return this.#options.size;
  }

  /** Of the recent claims that could have been served warm, the part that was; undefined when there were none. */
  get hitRate(): number | undefined {
    return this.#demand.hitRate;
  }

  /** Whether browsers were given back for want of memory, and none is started until there is enough again. */
  get isMemoryShort(): boolean {
    return this.#isMemoryShort;
  }

  /** Launches now, those that wait for their turn, and how many there may be at once. */
  get launches(): { readonly running: number; readonly waiting: number; readonly limit: number } {
    const { taken: running, waiting, limit } = this.#launches;
    return { running, waiting, limit };
  }

  /** What is warm, or is to be, by the names of the kinds. */
  reportClasses(): ClassReport[] {
    const ready = this.#stock.countsByName;
    const targets = new Map<string, number>();
    for (const [key, target] of toTargets(planShares(this.#wanted), this.size)) {
      const name = this.#demand.find(key)?.name;
      if (name !== undefined) targets.set(name, (targets.get(name) ?? 0) + target);
    }
    return [...new Set([...targets.keys(), ...ready.keys()])].map((name) => ({
      class: name,
      target: targets.get(name) ?? 0,
      ready: ready.get(name) ?? 0,
      starting: this.#starting?.name === name ? 1 : 0,
    }));
  }

  /** Begins to fill the pool, and to watch age and memory, in the background. */
  start(): void {
    this.#checks = BackgroundLoop.start({
      intervalMs: CHECK_INTERVAL_MS,
      maxBackoffMs: CHECK_INTERVAL_MS,
      run: () => this.#check(),
      onFailure: (error) => this.#options.logger.error({ err: error }, 'warm pool could not be checked'),
    });
    this.#scheduleRefill();
  }

  /**
   * Takes a warm browser that fits, or launches one when its turn comes. The caller owns it and must dispose it.
   *
   * @throws {AppError} BROWSER_LAUNCH_FAILED
   */
  async acquire(request: BrowserRequest, signal: AbortSignal): Promise<AcquiredBrowser> {
    const { kind, fit, toSpec, fill } = request;
    const canBeWarm = fit === 'warm' && this.#options.canRun(kind);
    this.#lastClaimAt = performance.now();
    if (canBeWarm) this.#demand.addClaim(kind);
    const claim = async (): Promise<Browser | undefined> => (canBeWarm ? this.#claim(request, signal) : undefined);
    const warm = await claim();
    this.#scheduleRefill();
    if (warm !== undefined) return this.#handOut(warm, { kind: kind.name, outcome: 'hit' });

    using _slot = await this.#launches.acquire(signal);
    // Others have launched meanwhile, and so may the pool have.
    const late = await claim();
    if (late !== undefined) return this.#handOut(late, { kind: kind.name, outcome: 'hit' });
    const unwarm = fit === 'pinned' ? 'pinned' : 'unfit';
    await this.#makeRoom();
    const cold = await this.#options.launch(toSpec(), AbortSignal.any([signal, this.#stop.signal]), fill);
    return this.#handOut(cold, { kind: kind.name, outcome: canBeWarm ? 'miss' : unwarm });
  }

  #handOut(browser: Browser, claimed: PoolEvents['claimed']): AcquiredBrowser {
    const { outcome } = claimed;
    if (outcome === 'hit' || outcome === 'miss') this.#demand.addOutcome(outcome);
    this.#options.events.emit('claimed', claimed);
    return { browser, isWarm: outcome === 'hit' };
  }

  /** A warm browser that answers and has the size that is asked for. */
  async #claim(request: BrowserRequest, signal: AbortSignal): Promise<Browser | undefined> {
    for (;;) {
      signal.throwIfAborted();
      const warm = this.#stock.takeFor(request);
      if (warm === undefined) return undefined;
      const { browser } = warm;
      try {
        await makeFit(browser, request, AbortSignal.any([signal, AbortSignal.timeout(CLAIM_TIMEOUT_MS)]));
        return browser;
      } catch (error) {
        void this.#stock.discard(warm, signal.aborted ? 'abandoned' : 'dead');
        signal.throwIfAborted();
        // Dead or hung: it can be so before we are told.
        this.#options.logger.warn({ err: error, pid: browser.pid }, 'warm browser did not answer');
      }
    }
  }

  /** Those who were admitted were promised memory that may be a warm browser's: then that one goes first. */
  async #makeRoom(): Promise<void> {
    const oldest = this.#stock.findOldest();
    if (oldest !== undefined && this.#options.memory.isOvercommitted) await this.#stock.end(oldest, 'pressure');
  }

  get #wanted(): Parameters<typeof planShares>[0] {
    const { size, usual } = this.#options;
    // A kind that is forgotten may still be in stock: it has no share then, and goes first.
    const stocked = [...this.#stock.counts.keys()].map((key) => [key, 0] as const);
    return { size, usual: usual.key, claims: new Map([...stocked, ...this.#demand.claims]) };
  }

  /** The oldest browser, if it has waited too long. */
  #findAged(): WarmBrowser | undefined {
    const oldest = this.#stock.findOldest();
    const isAged = oldest !== undefined && performance.now() - oldest.readyAtMs > this.#options.maxAgeMs;
    return isAged ? oldest : undefined;
  }

  /** The kind to start a browser of now; undefined when the pool is as it should be, or cannot become so yet. */
  #findNext(): BrowserKind | undefined {
    if (this.#stop.signal.aborted || this.#isMemoryShort || !this.#options.memory.hasRoomForWarm) return undefined;
    const have = this.#stock.counts;
    const next = nextKind(this.#wanted, have);
    const aged = this.#findAged();
    if (next !== undefined || aged === undefined) return next === undefined ? undefined : this.#demand.find(next);
    const { key } = aged.kind;
    have.set(key, (have.get(key) ?? 0) - 1);
    return this.#demand.find(nextKind(this.#wanted, have) ?? '');
  }

  #scheduleRefill(): void {
    if (this.#refill !== undefined || this.#findNext() === undefined) return;
    this.#refill = this.#fill().finally(() => {
      this.#refill = undefined;
      // Somebody may have taken one between the last look and here.
      this.#scheduleRefill();
    });
  }

  /** Never rejects: a launch that fails is tried again, later and later. */
  async #fill(): Promise<void> {
    const { signal } = this.#stop;
    let backoffMs = FIRST_BACKOFF_MS;
    while (this.#findNext() !== undefined) {
      try {
        await this.#waitForQuiet(signal);
        await this.#addOne(signal);
        await this.#endSurplus();
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

  /** Starts one browser of the kind that lacks one most, once no one who waits needs the turn. */
  async #addOne(signal: AbortSignal): Promise<void> {
    using _slot = await this.#launches.acquireLast(signal);
    const kind = this.#findNext();
    if (kind === undefined) return;
    using promise = this.#options.memory.promise();
    this.#starting = kind;
    try {
      this.#stock.add(await this.#options.launch(kind.toSpec(), signal), kind);
      promise.settle();
    } finally {
      this.#starting = undefined;
    }
  }

  /** Ends what a successor has been started for. */
  async #endSurplus(): Promise<void> {
    while (this.#stock.size > this.size) {
      const aged = this.#findAged();
      const surplus = aged ?? this.#stock.findOldest(surplusKind(this.#wanted, this.#stock.counts));
      if (surplus === undefined) return;
      await this.#stock.end(surplus, aged === undefined ? 'surplus' : 'aged');
    }
  }

  async #check(): Promise<void> {
    const { memory, logger } = this.#options;
    const { availableBytes, reserveBytes } = memory;
    if (memory.isShort) {
      if (!this.#isMemoryShort)
        logger.warn({ availableBytes, reserveBytes }, 'memory is short: warm browsers are given back');
      this.#isMemoryShort = true;
      await this.#giveBack(memory.missingBrowsers);
    } else if (this.#isMemoryShort && memory.hasRoomForWarm) {
      logger.info({ availableBytes, reserveBytes }, 'there is memory for warm browsers again');
      this.#isMemoryShort = false;
    }
    this.#scheduleRefill();
  }

  async #giveBack(count: number): Promise<void> {
    const ended: Promise<void>[] = [];
    for (let index = 0; index < count; index += 1) {
      const oldest = this.#stock.findOldest();
      if (oldest === undefined) break;
      ended.push(this.#stock.end(oldest, 'pressure'));
    }
    await Promise.all(ended);
  }

  async #close(): Promise<void> {
    this.#stop.abort();
    await this.#checks?.[Symbol.asyncDispose]();
    await this.#refill;
    await this.#stock[Symbol.asyncDispose]();
  }
}

async function makeFit(browser: Browser, { viewport }: BrowserRequest, signal: AbortSignal): Promise<void> {
  const { width, height } = browser.spec.viewport;
  const fits = viewport === undefined || (viewport.width === width && viewport.height === height);
  if (fits) await browser.ping(signal);
  else await browser.resize(viewport, signal);
}
