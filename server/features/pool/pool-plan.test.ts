import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { nextKind, planShares, surplusKind, toTargets } from './pool-plan.ts';

type Counts = Map<string, number>;

const KINDS = ['headless', 'headful', 'headless-none', 'headful-none'];

const sum = (counts: ReadonlyMap<string, number>): number =>
  [...counts.values()].reduce((total, each) => total + each, 0);

const counts = (headless: number, headful: number, rest: Record<string, number> = {}): Counts =>
  new Map(Object.entries({ headless, headful, ...rest }));

const demand = (size: number, claims: Counts): { size: number; usual: string; claims: Counts } => ({
  size,
  usual: 'headless',
  claims,
});

/** Launches and ends as the pool does until it has what it wants; gives what it then has, and how many launches it took. */
function settle(wanted: ReturnType<typeof demand>, start: Counts): { have: Counts; launches: number } {
  const have = new Map(start);
  let launches = 0;
  for (; launches < 1_000; launches += 1) {
    const next = nextKind(wanted, have);
    if (next === undefined) break;
    have.set(next, (have.get(next) ?? 0) + 1);
    if (sum(have) <= wanted.size) continue;
    const over = surplusKind(wanted, have);
    if (over !== undefined) have.set(over, (have.get(over) ?? 0) - 1);
  }
  return { have, launches };
}

const anyDemand = fc
  .record({
    size: fc.integer({ min: 0, max: 50 }),
    counts: fc.array(fc.double({ min: 0, max: 1_000, noNaN: true }), { minLength: 4, maxLength: 4 }),
  })
  .map(({ size, counts: each }) => demand(size, new Map(KINDS.map((name, index) => [name, each[index] ?? 0]))));
const anyStock = fc
  .array(fc.integer({ min: 0, max: 20 }), { minLength: 4, maxLength: 4 })
  .map((each): Counts => new Map(KINDS.map((name, index) => [name, each[index] ?? 0])));

describe('the plan of the pool', () => {
  it('is the usual kind alone as long as nobody has asked for another', () => {
    expect(toTargets(planShares(demand(5, counts(0, 0))), 5)).toEqual(counts(5, 0));
    expect(toTargets(planShares(demand(5, counts(80, 0))), 5)).toEqual(counts(5, 0));
  });

  it('gives another kind a browser after its first claim, not after one among many', () => {
    expect(toTargets(planShares(demand(2, counts(0, 1))), 2)).toEqual(counts(1, 1));
    expect(toTargets(planShares(demand(5, counts(100, 1))), 5)).toEqual(counts(5, 0));
  });

  it('follows demand, and takes a browser back when demand has faded', () => {
    expect(settle(demand(5, counts(1, 12)), counts(5, 0)).have).toEqual(counts(1, 4));
    // A quarter of a claim: some half-lives later.
    expect(settle(demand(5, counts(0.02, 0.24)), counts(1, 4)).have).toEqual(counts(4, 1));
    expect(settle(demand(5, counts(0, 0.01)), counts(4, 1)).have).toEqual(counts(5, 0));
  });

  it('keeps one of the usual kind although three others have an equal right to its place', () => {
    const wanted = demand(3, counts(0, 50, { 'headless-none': 50, 'headful-none': 50 }));
    const { have } = settle(wanted, counts(0, 1, { 'headless-none': 1, 'headful-none': 1 }));
    expect([have.get('headless'), sum(have)]).toEqual([1, 3]);
  });

  it('does not move a browser to and fro between two kindes in equal demand', () => {
    const wavering = [counts(10, 8), counts(10, 10), counts(10, 12), counts(11, 11)];
    const { have } = settle(demand(5, counts(10, 8)), counts(0, 0));
    for (const claims of wavering) expect(settle(demand(5, claims), have).launches).toBe(0);
  });

  it('shares out exactly the size, and always one to the usual kind', () => {
    fc.assert(
      fc.property(anyDemand, (each) => {
        const shares = planShares(each);
        expect(sum(shares)).toBeCloseTo(each.size);
        const targets = toTargets(shares, each.size);
        expect(sum(targets)).toBe(each.size);
        expect(targets.get('headless')).toBeGreaterThanOrEqual(Math.min(1, each.size));
        expect(Math.min(...targets.values())).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('comes to rest from wherever it starts, full, with one of the usual kind', () => {
    fc.assert(
      fc.property(anyDemand, anyStock, (each, stock) => {
        const start = sum(stock) > each.size ? counts(0, 0) : stock;
        const { have, launches } = settle(each, start);
        expect(launches).toBeLessThanOrEqual(2 * each.size);
        expect(sum(have)).toBe(each.size);
        if (each.size > 0) expect(have.get('headless')).toBeGreaterThanOrEqual(1);
        for (const [name, share] of planShares(each)) expect(Math.abs((have.get(name) ?? 0) - share)).toBeLessThan(2);
      }),
      { numRuns: 1_000 },
    );
  });
});
