import { describe, expect, it } from 'vitest';

import { type BrowserHost, type BrowserSpec, launchBrowser } from '../../browser/index.ts';
import { TypedEmitter } from '../../lib/typed-emitter.ts';
import { silentLogger } from '../../platform/logger/logger.ts';
import { openTestHost, PLAIN_BROWSER, whatIsLeft } from '../../testing/test-host.ts';
import { until } from '../../testing/until.ts';
import type { BrowserKind, BrowserRequest } from './browser-kind.ts';
import { MemoryBudget } from './memory-budget.ts';
import type { PoolEvents } from './pool-events.ts';
import { WarmPool } from './warm-pool.ts';

const MIB = 1_024 ** 2;
const RESERVE_MIB = 512;

const soon = (): AbortSignal => AbortSignal.timeout(30_000);

interface PoolSetup {
  readonly size: number;
  readonly launch?: typeof launchBrowser;
  readonly maxAgeMs?: number;
  readonly memory?: MemoryBudget;
  readonly events?: TypedEmitter<PoolEvents>;
}

const newEvents = (): TypedEmitter<PoolEvents> =>
  new TypedEmitter((error) => {
    throw error;
  });

/** `availableMib` says what the machine has left, beyond what is to stay free. */
function newMemory(availableMib: () => number): MemoryBudget {
  return new MemoryBudget({
    availableBytes: () => (availableMib() + RESERVE_MIB) * MIB,
    reserveBytes: RESERVE_MIB * MIB,
    warmBrowsers: () => 0,
  });
}

const kindOf = (headless: boolean): BrowserKind => ({
  key: headless ? 'headless' : 'headful',
  name: headless ? 'headless' : 'headful',
  headless,
  toSpec: () => ({ ...PLAIN_BROWSER, headless }),
});

/** A request for a browser like the plain one; one with a time zone of its own cannot be warm. */
function requestFor(wanted: Partial<BrowserSpec> = {}): BrowserRequest {
  const spec = { ...PLAIN_BROWSER, ...wanted };
  return {
    kind: kindOf(spec.headless),
    fit: spec.timezone === undefined ? 'warm' : 'unfit',
    toSpec: () => spec,
    accepts: (born) => born.headless === spec.headless && born.timezone === spec.timezone,
    viewport: spec.viewport,
  };
}

function newPool(host: BrowserHost, setup: PoolSetup): WarmPool {
  const { size, launch = launchBrowser, maxAgeMs = 600_000 } = setup;
  return new WarmPool({
    size,
    usual: kindOf(true),
    canRun: () => true,
    maxAgeMs,
    launch: (spec, signal) => launch(spec, host, signal),
    launchLimit: 2,
    memory: setup.memory ?? newMemory(() => 100_000),
    events: setup.events ?? newEvents(),
    logger: silentLogger,
  });
}

function killGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

/** Notes what happens in a pool, as `outcome kind` and `reason`. */
function watch(events: TypedEmitter<PoolEvents>): { readonly claims: string[]; readonly ends: string[] } {
  const seen = { claims: [] as string[], ends: [] as string[] };
  events.on('claimed', ({ outcome, kind }) => seen.claims.push(`${outcome} ${kind}`));
  events.on('ended', ({ reason }) => seen.ends.push(reason));
  return seen;
}

function readyOf(pool: WarmPool, warmClass: string): number | undefined {
  return pool.reportClasses().find((each) => each.class === warmClass)?.ready;
}

describe('WarmPool', () => {
  it('hands each browser out once, and refills', async () => {
    await using stack = new AsyncDisposableStack();
    const pool = stack.use(newPool(await openTestHost(stack), { size: 2 }));
    pool.start();
    await until(() => pool.readyCount === 2, { timeoutMs: 30_000 });

    const claimed = await Promise.all([pool.acquire(requestFor(), soon()), pool.acquire(requestFor(), soon())]);
    for (const { browser } of claimed) stack.use(browser);
    expect(claimed.map(({ isWarm }) => isWarm)).toEqual([true, true]);
    expect(claimed[0]?.browser.pid).not.toBe(claimed[1]?.browser.pid);

    await until(() => pool.readyCount === 2, { timeoutMs: 30_000 });
    const { browser } = await pool.acquire(requestFor(), soon());
    stack.use(browser);
    expect(claimed.map((each) => each.browser.pid)).not.toContain(browser.pid);
  });

  it.each(['SIGKILL', 'SIGSTOP'] as const)('never hands out a browser that %s has ended or stopped', async (signal) => {
    await using stack = new AsyncDisposableStack();
    const host = await openTestHost(stack);
    const pool = stack.use(newPool(host, { size: 1 }));
    pool.start();
    await until(() => pool.readyCount === 1, { timeoutMs: 30_000 });
    const groups = (await whatIsLeft(host)).groups;
    for (const group of groups) process.kill(-group, signal);
    // A stopped crash handler does not see that its browser has gone, and would stay for ever.
    stack.defer(() => {
      for (const group of groups) killGroup(group);
    });
    const { browser } = await pool.acquire(requestFor(), soon());
    stack.use(browser);
    const page = await browser.page(soon());
    expect(await page.execute({ code: '1 + 1' }, soon())).toMatchObject({ result: 2 });
    expect(groups).not.toContain(browser.pid);
  });

  it('gives a warm browser the size that is asked for, and launches what no warm one can become', async () => {
    await using stack = new AsyncDisposableStack();
    const pool = stack.use(newPool(await openTestHost(stack), { size: 1 }));
    pool.start();
    await until(() => pool.readyCount === 1, { timeoutMs: 30_000 });
    const cold = await pool.acquire(requestFor({ timezone: 'Asia/Tokyo' }), soon());
    stack.use(cold.browser);
    expect(cold.isWarm).toBe(false);
    const warm = await pool.acquire(requestFor({ viewport: { width: 700, height: 500 } }), soon());
    stack.use(warm.browser);
    expect(warm.isWarm).toBe(true);
    const page = await warm.browser.page(soon());
    expect((await page.execute({ code: '[innerWidth, innerHeight]' }, soon())).result).toEqual([700, 500]);
  });

  it('says why it is empty when browsers do not start, tries again, and forgets the failure then', async () => {
    await using stack = new AsyncDisposableStack();
    let failures = 0;
    const launch: typeof launchBrowser = async (spec, host, signal) => {
      if (failures > 0) return launchBrowser(spec, host, signal);
      failures += 1;
      return launchBrowser(spec, { ...host, executablePath: '/bin/false' }, signal);
    };
    const pool = stack.use(newPool(await openTestHost(stack), { size: 1, launch }));
    pool.start();
    await until(() => pool.lastFailure);
    expect(pool.lastFailure).toMatchObject({ code: 'BROWSER_LAUNCH_FAILED' });
    await until(() => pool.readyCount === 1, { timeoutMs: 30_000 });
    expect(pool.lastFailure).toBeUndefined();
  });

  it('keeps classes apart, follows demand, and keeps one of the usual class', async () => {
    await using stack = new AsyncDisposableStack();
    const events = newEvents();
    const { claims, ends } = watch(events);
    const pool = stack.use(newPool(await openTestHost(stack), { size: 2, events }));
    pool.start();
    await until(() => readyOf(pool, 'headless') === 2, { timeoutMs: 30_000 });
    const headful = requestFor({ headless: false });
    const first = await pool.acquire(headful, soon());
    stack.use(first.browser);
    expect(pool.hitRate).toBe(0);
    await until(() => readyOf(pool, 'headful') === 1 && readyOf(pool, 'headless') === 1, { timeoutMs: 30_000 });
    const second = await pool.acquire(headful, soon());
    stack.use(second.browser);
    expect([first.isWarm, second.isWarm, second.browser.spec.headless]).toEqual([false, true, false]);
    const other = await pool.acquire(requestFor(), soon());
    stack.use(other.browser);
    expect([other.isWarm, other.browser.spec.headless]).toEqual([true, true]);
    stack.use((await pool.acquire(requestFor({ timezone: 'Asia/Tokyo' }), soon())).browser);
    expect(claims).toEqual(['miss headful', 'hit headful', 'hit headless', 'unfit headless']);
    expect(pool.hitRate).toBeCloseTo(2 / 3);
    expect(ends).toEqual(['surplus']);
  });

  it('replaces a browser that has grown old, the successor first', async () => {
    await using stack = new AsyncDisposableStack();
    const events = newEvents();
    const { ends } = watch(events);
    let fewest = Number.POSITIVE_INFINITY;
    const pool = stack.use(newPool(await openTestHost(stack), { size: 2, maxAgeMs: 1_500, events }));
    pool.start();
    await until(() => pool.readyCount === 2, { timeoutMs: 30_000 });
    await until(
      () => {
        fewest = Math.min(fewest, pool.readyCount);
        return ends.length >= 3;
      },
      { timeoutMs: 30_000 },
    );
    expect(new Set(ends)).toEqual(new Set(['aged']));
    expect(fewest).toBe(2);
  });

  it('gives its memory back, starts nothing while it is short, and is filled when there is enough', async () => {
    await using stack = new AsyncDisposableStack();
    const host = await openTestHost(stack);
    const events = newEvents();
    const { ends } = watch(events);
    let availableMib = 10_000;
    const pool = stack.use(newPool(host, { size: 3, events, memory: newMemory(() => availableMib) }));
    pool.start();
    await until(() => pool.readyCount === 3, { timeoutMs: 30_000 });
    // A hundred megabytes of the reserve are gone: as much as one browser.
    availableMib = -100;
    await until(() => ends.length > 0);
    expect(ends).toEqual(['pressure']);
    expect(pool.isMemoryShort).toBe(true);
    availableMib = -400;
    await until(() => pool.readyCount === 0);
    await until(async () => (await whatIsLeft(host)).groups.length === 0);
    // Enough for the reserve, not for a warm browser and a session beside it.
    availableMib = 300;
    const { browser, isWarm } = await pool.acquire(requestFor(), soon());
    stack.use(browser);
    expect([isWarm, pool.startingCount, pool.readyCount]).toEqual([false, 0, 0]);
    availableMib = 10_000;
    await until(() => pool.readyCount === 3, { timeoutMs: 30_000 });
    expect(pool.isMemoryShort).toBe(false);
    expect(ends).toEqual(['pressure', 'pressure', 'pressure']);
  });

  it('ends a warm browser to make room for one that no warm one can become', async () => {
    await using stack = new AsyncDisposableStack();
    const events = newEvents();
    const { ends } = watch(events);
    let availableMib = 10_000;
    const memory = newMemory(() => availableMib);
    const pool = stack.use(newPool(await openTestHost(stack), { size: 2, events, memory }));
    pool.start();
    await until(() => pool.readyCount === 2, { timeoutMs: 30_000 });
    // The reserve is whole, but what is left was promised to somebody and to this one.
    availableMib = 300;
    using _someone = memory.promise();
    using _this = memory.promise();
    stack.use((await pool.acquire(requestFor({ timezone: 'Asia/Tokyo' }), soon())).browser);
    expect([ends, pool.readyCount]).toEqual([['pressure'], 1]);
  });

  it('lets launches somebody waits for go before its own', async () => {
    await using stack = new AsyncDisposableStack();
    const launched: string[] = [];
    const launch: typeof launchBrowser = (spec, host, signal) => {
      launched.push(spec.timezone ?? 'warm');
      return launchBrowser(spec, host, signal);
    };
    const pool = stack.use(newPool(await openTestHost(stack), { size: 1, launch }));
    const cold = requestFor({ timezone: 'Asia/Tokyo' });
    const creates = Array.from({ length: 3 }, () => pool.acquire(cold, soon()));
    pool.start();
    creates.push(pool.acquire(cold, soon()));
    for (const { browser } of await Promise.all(creates)) stack.use(browser);
    await until(() => pool.readyCount === 1, { timeoutMs: 30_000 });
    expect(launched).toEqual([...Array.from({ length: 4 }, () => 'Asia/Tokyo'), 'warm']);
  });

  it.each([0, 20, 200])('leaves nothing behind when it is closed %i ms after it was started', async (afterMs) => {
    await using stack = new AsyncDisposableStack();
    const host = await openTestHost(stack);
    const pool = newPool(host, { size: 2 });
    pool.start();
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    await pool[Symbol.asyncDispose]();
    expect(await whatIsLeft(host)).toEqual({ groups: [], folders: [] });
  });
});
