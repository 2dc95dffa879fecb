import { describe, expect, it } from 'vitest';

import { until } from '../testing/until.ts';
import { BackgroundLoop } from './background-loop.ts';

describe('BackgroundLoop', () => {
  it('goes on after a pass that failed, and says how many failed in a row', async () => {
    const failures: number[] = [];
    let passes = 0;
    await using _loop = BackgroundLoop.start({
      intervalMs: 1,
      maxBackoffMs: 2,
      run: async () => {
        passes += 1;
        if (passes <= 2) throw new Error('not yet');
      },
      onFailure: (_error, inARow) => failures.push(inARow),
    });
    await until(() => passes >= 4);
    expect(failures).toEqual([1, 2]);
  });

  it('never runs two passes at once', async () => {
    let running = 0;
    let most = 0;
    let passes = 0;
    await using _loop = BackgroundLoop.start({
      intervalMs: 1,
      maxBackoffMs: 1,
      run: async () => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setTimeout(resolve, 5));
        running -= 1;
        passes += 1;
      },
      onFailure: () => undefined,
    });
    await until(() => passes >= 5);
    expect(most).toBe(1);
  });

  it('tells the pass in flight to stop, and is disposed only when it has returned', async () => {
    let started = false;
    let returned = false;
    const loop = BackgroundLoop.start({
      intervalMs: 1,
      maxBackoffMs: 1,
      run: async (signal) => {
        started = true;
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
        await new Promise((resolve) => setTimeout(resolve, 20));
        returned = true;
      },
      onFailure: () => undefined,
    });
    await until(() => started);
    await loop[Symbol.asyncDispose]();
    expect(returned).toBe(true);
  });
});
