import { describe, expect, it } from 'vitest';

import { RecentPace } from './recent-pace.ts';

describe('RecentPace', () => {
  it('is unknown until something has happened twice', () => {
    const pace = new RecentPace(() => 0);
    expect(pace.intervalMs).toBeUndefined();
    pace.note();
    expect(pace.intervalMs).toBeUndefined();
  });

  it('is the average of the last times, and slows down while nothing happens', () => {
    let now = 0;
    const pace = new RecentPace(() => now);
    for (; now <= 4_000; now += 1_000) pace.note();
    now = 4_000;
    expect(pace.intervalMs).toBe(1_000);
    now = 40_000;
    expect(pace.intervalMs).toBe(10_000);
  });

  it('forgets how it was long ago', () => {
    let now = 0;
    const pace = new RecentPace(() => now);
    for (let index = 0; index < 100; index += 1, now += 60_000) pace.note();
    for (let index = 0; index < 40; index += 1, now += 100) pace.note();
    expect(pace.intervalMs).toBeLessThan(110);
  });
});
