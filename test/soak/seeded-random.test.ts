import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { seededRandom } from './seeded-random.ts';

const DRAWS = 2_000;

function draw(seed: number, stream: number): number[] {
  const random = seededRandom(seed, stream);
  return Array.from({ length: DRAWS }, () => random.next());
}

describe('seededRandom', () => {
  it('gives the same numbers for the same seed and stream, and others for others', () => {
    expect(draw(1, 1)).toEqual(draw(1, 1));
    expect(draw(1, 1)).not.toEqual(draw(1, 2));
    expect(draw(1, 1)).not.toEqual(draw(2, 1));
  });

  it('gives numbers from 0 to 1, spread evenly', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat({ max: 10_000 }), (seed, stream) => {
        const numbers = draw(seed, stream);
        expect(numbers.every((each) => each >= 0 && each < 1)).toBe(true);
        const mean = numbers.reduce((sum, each) => sum + each, 0) / numbers.length;
        // Seven standard deviations of the mean of so many.
        expect(Math.abs(mean - 0.5)).toBeLessThan(0.05);
      }),
      { numRuns: 50 },
    );
  });

  it('picks by weight, and never what weighs nothing', () => {
    const random = seededRandom(1, 1);
    const values = [{ weight: 0 }, { weight: 1 }, { weight: 3 }];
    const picks = Array.from({ length: DRAWS }, () => values.indexOf(random.pickWeighted(values)));
    const share = (index: number): number => picks.filter((each) => each === index).length / DRAWS;
    expect(share(0)).toBe(0);
    expect(share(2)).toBeGreaterThan(0.6);
    expect(share(2)).toBeLessThan(0.9);
  });
});
