import { describe, expect, it } from 'vitest';

import { type BrowserHost, launchBrowser } from '../../browser/index.ts';
import { silentLogger } from '../../platform/logger/logger.ts';
import { openTestHost, PLAIN_BROWSER, whatIsLeft } from '../../testing/test-host.ts';
import { until } from '../../testing/until.ts';
import { WarmPool } from './warm-pool.ts';

const soon = (): AbortSignal => AbortSignal.timeout(30_000);

function newPool(host: BrowserHost, options: { size: number; launch?: typeof launchBrowser }): WarmPool {
  const { size, launch = launchBrowser } = options;
  return new WarmPool({
    size,
    spec: PLAIN_BROWSER,
    launch: (spec, signal) => launch(spec, host, signal),
    launchLimit: 2,
    logger: silentLogger,
  });
}

describe('WarmPool', () => {
  it('hands each browser out once, and refills', async () => {
    await using stack = new AsyncDisposableStack();
    const pool = stack.use(newPool(await openTestHost(stack), { size: 2 }));
    pool.start();
    await until(() => pool.readyCount === 2, { timeoutMs: 30_000 });

    const claimed = await Promise.all([pool.acquire(PLAIN_BROWSER, soon()), pool.acquire(PLAIN_BROWSER, soon())]);
    for (const { browser } of claimed) stack.use(browser);
    expect(claimed.map(({ isWarm }) => isWarm)).toEqual([true, true]);
    expect(claimed[0]?.browser.pid).not.toBe(claimed[1]?.browser.pid);

    await until(() => pool.readyCount === 2, { timeoutMs: 30_000 });
    const { browser } = await pool.acquire(PLAIN_BROWSER, soon());
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
    const { browser } = await pool.acquire(PLAIN_BROWSER, soon());
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
    const cold = await pool.acquire({ ...PLAIN_BROWSER, timezone: 'Asia/Tokyo' }, soon());
    stack.use(cold.browser);
    expect(cold.isWarm).toBe(false);
    const warm = await pool.acquire({ ...PLAIN_BROWSER, viewport: { width: 700, height: 500 } }, soon());
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
