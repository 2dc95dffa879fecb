import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { FIGURE_NAMES, type Figures, findGrown, heapSlope, TOLERANCES } from './verdict.ts';

const NOTHING = Object.fromEntries(FIGURE_NAMES.map((name) => [name, 0])) as Figures;

describe('findGrown', () => {
  it.each(FIGURE_NAMES)('takes %s beyond its tolerance for a leak, and not before', (name) => {
    const most = TOLERANCES[name];
    expect(findGrown(NOTHING, { ...NOTHING, [name]: most })).toEqual([]);
    expect(findGrown(NOTHING, { ...NOTHING, [name]: most + 1 })).toEqual([name]);
  });

  it('has nothing against what has become less', () => {
    const much = Object.fromEntries(FIGURE_NAMES.map((name) => [name, 1_000])) as Figures;
    expect(findGrown(much, NOTHING)).toEqual([]);
  });
});

describe('heapSlope', () => {
  it('is the slope of samples on a line, whatever its height', () => {
    const slopes = fc.integer({ min: -10_000, max: 10_000 });
    const counts = fc.uniqueArray(fc.integer({ min: 0, max: 1_000 }), { minLength: 2, maxLength: 30 });
    fc.assert(
      fc.property(slopes, fc.integer({ min: 0, max: 1e8 }), counts, (slope, height, sessions) => {
        const samples = sessions.map((each) => ({ sessions: each, bytes: height + slope * each }));
        expect(heapSlope(samples)).toBeCloseTo(slope, 3);
      }),
    );
  });

  it('is none where there is too little to tell', () => {
    expect(heapSlope([])).toBe(0);
    expect(heapSlope([{ sessions: 1, bytes: 5 }])).toBe(0);
    expect(heapSlope([1, 2, 3].map((bytes) => ({ sessions: 7, bytes })))).toBe(0);
  });
});
