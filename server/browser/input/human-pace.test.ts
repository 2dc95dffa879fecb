import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { holdMs, keyGapMs, planPath, planWheel, pointWithin, type Random } from './human-pace.ts';

const randoms = fc
  .array(fc.double({ min: 0, max: 0.999_999, noNaN: true }), { minLength: 1, maxLength: 40 })
  .map((values): Random => {
    let next = 0;
    return () => values[next++ % values.length] ?? 0;
  });
const coordinate = fc.integer({ min: 0, max: 3_000 });
const points = fc.record({ x: coordinate, y: coordinate });

describe('the path of a pointer', () => {
  it('ends where it is to end, near the straight way, in bounded time', () => {
    fc.assert(
      fc.property(points, points, randoms, (from, to, random) => {
        const path = planPath(from, to, random);
        expect(path.at(-1)).toMatchObject(to);
        const distance = Math.hypot(to.x - from.x, to.y - from.y);
        for (const { x, y } of path) {
          // Twice the area of the triangle over its base.
          const area = Math.abs((to.x - from.x) * (from.y - y) - (from.x - x) * (to.y - from.y));
          if (distance >= 1) expect(area / distance).toBeLessThanOrEqual(distance * 0.07 + 2);
        }
        const totalMs = path.reduce((sum, { delayMs }) => sum + delayMs, 0);
        expect(totalMs).toBeLessThan(1_600);
      }),
    );
  });

  it('is slow at both ends and takes longer for a longer way', () => {
    const even: Random = () => 0.5;
    const long = planPath({ x: 0, y: 0 }, { x: 1_000, y: 0 }, even);
    const short = planPath({ x: 0, y: 0 }, { x: 60, y: 0 }, even);
    expect(long.length).toBeGreaterThan(short.length);
    const lengths = long.map(({ x }, index) => x - (long[index - 1]?.x ?? 0));
    const fastest = Math.max(...lengths);
    expect(lengths[0]).toBeLessThan(fastest / 5);
    expect(lengths.at(-1)).toBeLessThan(fastest / 5);
  });
});

describe('other human measures', () => {
  it('stay within what people do', () => {
    fc.assert(
      fc.property(randoms, fc.option(fc.constantFrom('a', ' '), { nil: undefined }), (random, previous) => {
        const gap = keyGapMs(previous, random);
        expect(gap).toBeGreaterThanOrEqual(40);
        expect(gap).toBeLessThan(1_100);
        const hold = holdMs(random);
        expect(hold).toBeGreaterThanOrEqual(45);
        expect(hold).toBeLessThanOrEqual(125);
      }),
    );
  });

  it('click inside the box', () => {
    fc.assert(
      fc.property(randoms, points, points, (random, corner, { x: width, y: height }) => {
        const { x, y } = pointWithin({ ...corner, width, height }, random);
        expect(x).toBeGreaterThanOrEqual(corner.x);
        expect(x).toBeLessThanOrEqual(corner.x + width);
        expect(y).toBeGreaterThanOrEqual(corner.y);
        expect(y).toBeLessThanOrEqual(corner.y + height);
      }),
    );
  });

  it('scroll by what was asked for, in notches', () => {
    fc.assert(
      fc.property(randoms, fc.integer({ min: -5_000, max: 5_000 }), (random, y) => {
        const turns = planWheel({ x: 0, y }, random);
        expect(turns.reduce((sum, { delta }) => sum + delta.y, 0)).toBe(y);
        for (const { delta } of turns) expect(Math.abs(delta.y)).toBeLessThanOrEqual(101);
      }),
    );
  });
});
