import type { Status } from '@guise/contract';
import { describe, expect, it } from 'vitest';

import type { Api } from './api.ts';
import { readMetric } from './metrics.ts';
import { isRunning, listBrowsers, listDisplays } from './processes.ts';
import { startService } from './service.ts';
import { until } from './until.ts';

const FILL_TIMEOUT_MS = 60_000;

/** Waits until the pool holds this many browsers of each class, and gives its state. */
function holds(api: Api, wanted: Readonly<Record<string, number>>): Promise<Status['warmPool']> {
  return until(
    `the pool holds ${JSON.stringify(wanted)}`,
    async () => {
      const { warmPool } = await api.status();
      const ready = Object.fromEntries(warmPool.classes.map((each) => [each.class, each.ready]));
      return Object.entries(wanted).every(([name, count]) => (ready[name] ?? 0) === count) && warmPool;
    },
    { timeoutMs: FILL_TIMEOUT_MS },
  );
}

describe('the warm pool', () => {
  it('warms browsers with a window once they are asked for, and keeps them apart from the others', async () => {
    await using own = new AsyncDisposableStack();
    const service = await startService(own, { WARM_POOL_SIZE: '2' });
    const { api } = service;
    const warmCreates = (): Promise<number> => readMetric(api, 'guise_session_create_seconds_count{outcome="warm"}');
    const claims = (labels: string): Promise<number> => readMetric(api, `guise_warm_pool_claims_total{${labels}}`);
    const start = await holds(api, { 'headless-windows': 2, 'headful-windows': 0 });
    expect(start.hitRate).toBeNull();
    expect(listDisplays(service.dataDir)).toEqual([]);

    const first = await api.create({ headless: false });
    expect(await warmCreates()).toBe(0);
    const shared = await holds(api, { 'headless-windows': 1, 'headful-windows': 1 });
    expect(shared.hitRate).toBe(0);
    expect(shared.classes).toEqual(
      expect.arrayContaining([
        { class: 'headless-windows', target: 1, ready: 1, starting: 0 },
        { class: 'headful-windows', target: 1, ready: 1, starting: 0 },
      ]),
    );
    expect(await readMetric(api, 'guise_warm_browsers_ready{class="headful-windows"}')).toBe(1);

    const second = await api.create({ headless: false });
    const third = await api.create();
    expect(await warmCreates()).toBe(2);
    for (const { id } of [second, third]) {
      const { identity } = await api.get(id);
      const { width, height } = identity?.viewport ?? {};
      expect(await api.evaluate(id, '[innerWidth, innerHeight]')).toEqual([width, height]);
    }
    // Asked of the system: one browser of the two has a window, and so has the first one's.
    const browsersOf = (): string[] => listBrowsers(service.dataDir).map(({ command }) => command);
    await until('the pool is full again', async () => (await api.status()).warmPool.ready === 2);
    const windows = browsersOf().filter((command) => !command.includes(' --headless')).length;
    expect(windows).toBe(listDisplays(service.dataDir).length);
    expect(windows).toBeGreaterThanOrEqual(2);
    // Nobody is warm for a flag of one's own.
    const unfit = await api.create({ launchArgs: ['--mute-audio'] });
    expect(await claims('outcome="miss",class="headful-windows"')).toBe(1);
    expect(await claims('outcome="hit",class="headful-windows"')).toBe(1);
    expect(await claims('outcome="hit",class="headless-windows"')).toBe(1);
    expect(await claims('outcome="unfit",class="headless-windows"')).toBe(1);
    expect(await readMetric(api, 'guise_warm_pool_hit_ratio')).toBeCloseTo(2 / 3);
    expect(await readMetric(api, 'guise_warm_browsers_ended_total{reason="surplus"}')).toBe(1);
    for (const { id } of [first, second, third, unfit]) await api.end(id);
  });

  it('replaces browsers that have waited too long, and never has fewer meanwhile', async () => {
    await using own = new AsyncDisposableStack();
    const service = await startService(own, { WARM_POOL_SIZE: '1', WARM_POOL_MAX_AGE_MS: '2000' });
    const { api } = service;
    await holds(api, { 'headless-windows': 1 });
    const [old] = listBrowsers(service.dataDir);
    let fewest = 1;
    await until(
      'the browser has been replaced',
      async () => {
        fewest = Math.min(fewest, (await api.status()).warmPool.ready);
        return old !== undefined && !isRunning(old);
      },
      { timeoutMs: FILL_TIMEOUT_MS },
    );
    expect(fewest).toBe(1);
    expect(await readMetric(api, 'guise_warm_browsers_ended_total{reason="aged"}')).toBeGreaterThanOrEqual(1);
    const { id } = await api.create();
    expect(await api.evaluate(id, '6 * 7')).toBe(42);
    await api.end(id);
  });
});
