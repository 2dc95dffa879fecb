import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { openTestHost, PLAIN_BROWSER } from '../testing/test-host.ts';
import { launchBrowser } from './launch-browser.ts';
import { parsePss, ProcessMeter } from './process-meter.ts';

const soon = (): AbortSignal => AbortSignal.timeout(30_000);
const NO_BUDGET = { budgetMs: 0 };
const PLENTY = { budgetMs: 1_000 };

describe('ProcessMeter', () => {
  it('finds what the kernel says of all processes of a browser together', async () => {
    await using stack = new AsyncDisposableStack();
    const browser = stack.use(await launchBrowser(PLAIN_BROWSER, await openTestHost(stack), soon()));

    const [usage] = await new ProcessMeter(PLENTY).measure([browser.processes]);

    const own = parsePss(readFileSync(`/proc/${browser.pid}/smaps_rollup`, 'latin1')) ?? 0;
    expect(usage?.processCount).toBeGreaterThanOrEqual(6);
    expect(usage?.memoryBytes).toBeGreaterThan(own);
    expect(usage?.memoryBytes).toBeLessThan(own * 10);
    expect(usage?.cpuMs).toBeGreaterThan(0);
  });

  it('follows memory that grows, also without a budget for exact readings', async () => {
    await using stack = new AsyncDisposableStack();
    const browser = stack.use(await launchBrowser(PLAIN_BROWSER, await openTestHost(stack), soon()));
    const meter = new ProcessMeter(NO_BUDGET);
    for (let round = 0; round < 20; round += 1) await meter.measure([browser.processes]);
    const [before] = await meter.measure([browser.processes]);

    const page = await browser.page(soon());
    await page.execute({ code: 'globalThis.kept = new Uint8Array(200 * 1024 ** 2).fill(1); 1' }, soon());
    const [after] = await meter.measure([browser.processes]);

    const grown = (after?.memoryBytes ?? 0) - (before?.memoryBytes ?? 0);
    expect(grown).toBeGreaterThan(180 * 1024 ** 2);
    expect(grown).toBeLessThan(300 * 1024 ** 2);
  });

  it('does not take what browsers share for what each of them has, before it has read them exactly', async () => {
    await using stack = new AsyncDisposableStack();
    const browser = stack.use(await launchBrowser(PLAIN_BROWSER, await openTestHost(stack), soon()));
    const [guessed] = await new ProcessMeter(NO_BUDGET).measure([browser.processes]);
    const meter = new ProcessMeter(NO_BUDGET);

    const exact = await meter.measureExactly(browser.processes);

    const ratio = (guessed?.memoryBytes ?? 0) / exact.memoryBytes;
    expect(ratio).toBeGreaterThan(0.5);
    expect(ratio).toBeLessThan(2);
    // And it stays with what it has read.
    const [after] = await meter.measure([browser.processes]);
    expect(after?.memoryBytes).toBeGreaterThan(exact.memoryBytes * 0.8);
    expect(after?.memoryBytes).toBeLessThan(exact.memoryBytes * 1.2);
  });

  it('counts processor time, and that of a browser it had seen before it was asked for', async () => {
    await using stack = new AsyncDisposableStack();
    const host = await openTestHost(stack);
    const meter = new ProcessMeter(PLENTY);
    const browser = stack.use(await launchBrowser(PLAIN_BROWSER, host, soon()));
    expect(await meter.measure([])).toEqual([]);

    const [before] = await meter.measure([browser.processes]);
    const page = await browser.page(soon());
    // Work, not time: a busy machine gives a page less of each second.
    await page.execute({ code: 'let sum = 0; for (let i = 0; i < 2e8; i += 1) sum += i % 7; sum' }, soon());
    const [after] = await meter.measure([browser.processes]);

    expect((after?.cpuMs ?? 0) - (before?.cpuMs ?? 0)).toBeGreaterThan(100);
  });

  it('says that a browser which has ended uses nothing', async () => {
    await using stack = new AsyncDisposableStack();
    const browser = stack.use(await launchBrowser(PLAIN_BROWSER, await openTestHost(stack), soon()));
    const { processes } = browser;
    await browser[Symbol.asyncDispose]();

    expect(await new ProcessMeter(PLENTY).measure([processes])).toEqual([
      { memoryBytes: 0, cpuMs: 0, processCount: 0 },
    ]);
  });
});
