import { describe, expect, it } from 'vitest';

import { SeededRandom } from './seeded-random.ts';

function draw(seed: number, purpose: string, count: number): number[] {
  const random = new SeededRandom(seed, purpose);
  return Array.from({ length: count }, () => random.integer(0, 999));
}

const WEIGHTS: Readonly<Record<string, number>> = { never: 0, rare: 1, often: 3 };

describe('seeded random numbers', () => {
  it('are the same for a seed for ever', () => {
    expect(draw(1, 'a', 6)).toEqual([817, 363, 5, 121, 851, 699]);
  });

  it('differ by seed, also beyond 32 bits, and by purpose', () => {
    const streams = [draw(1, 'a', 8), draw(2, 'a', 8), draw(1 + 2 ** 40, 'a', 8), draw(1, 'b', 8)];
    expect(new Set(streams.map((stream) => stream.join())).size).toBe(4);
  });

  it('fall everywhere equally often', () => {
    const random = new SeededRandom(7, 'spread');
    const drawn = Array.from({ length: 10_000 }, () => random.integer(0, 4));
    const counts = [0, 1, 2, 3, 4].map((value) => drawn.filter((each) => each === value).length);
    expect(Math.max(...counts.map((count) => Math.abs(count - 2_000)))).toBeLessThan(200);
  });

  it('pick by weight', () => {
    const random = new SeededRandom(7, 'weights');
    const picked = Array.from({ length: 4_000 }, () =>
      random.pick(['never', 'rare', 'often'], (word) => WEIGHTS[word] ?? 0),
    );
    const count = (word: string): number => picked.filter((each) => each === word).length;
    expect(count('never')).toBe(0);
    expect(Math.abs(count('rare') - 1_000)).toBeLessThan(150);
    expect(random.pick<string>([], () => 1)).toBeUndefined();
  });
});
