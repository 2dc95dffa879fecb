import { describe, expect, it } from 'vitest';

import { DecayingCount } from './decaying-count.ts';

describe('DecayingCount', () => {
  it('counts, and halves what it has counted in each half-life', () => {
    let now = 0;
    const count = new DecayingCount(1_000, () => now);
    expect(count.value).toBe(0);
    count.add();
    count.add();
    expect(count.value).toBe(2);
    now = 1_000;
    expect(count.value).toBeCloseTo(1);
    count.add();
    now = 3_000;
    expect(count.value).toBeCloseTo(0.5);
  });

  it('does not depend on how often it is looked at', () => {
    let now = 0;
    const [watched, left] = [new DecayingCount(500, () => now), new DecayingCount(500, () => now)];
    for (const count of [watched, left]) count.add();
    for (; now < 2_000; now += 7) expect(watched.value).toBeGreaterThan(0);
    expect(watched.value).toBeCloseTo(left.value);
  });
});
