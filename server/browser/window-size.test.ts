import { describe, expect, it } from 'vitest';

import { nearestPage, pageSizeOf, windowFor } from './window-size.ts';

/** Heights of windows and of their pages, as measured of Chromium 156 with and without a display. */
const MEASURED: readonly { ratio: number; heights: readonly (readonly [window: number, page: number])[] }[] = [
  {
    ratio: 1,
    heights: [
      [700, 613],
      [701, 614],
      [704, 617],
    ],
  },
  {
    ratio: 1.25,
    heights: [
      [700, 614],
      [701, 614],
      [702, 615],
      [703, 616],
      [704, 618],
      [816, 730],
      [912, 826],
    ],
  },
  {
    ratio: 1.5,
    heights: [
      [700, 613],
      [701, 613],
      [702, 615],
      [703, 615],
      [704, 617],
      [680, 593],
    ],
  },
  {
    ratio: 1.75,
    heights: [
      [700, 614],
      [701, 614],
      [702, 615],
      [703, 616],
      [704, 618],
    ],
  },
  {
    ratio: 2,
    heights: [
      [700, 613],
      [701, 614],
      [864, 777],
    ],
  },
  {
    ratio: 2.25,
    heights: [
      [700, 613],
      [701, 613],
      [702, 615],
      [703, 616],
      [704, 617],
    ],
  },
  {
    ratio: 2.5,
    heights: [
      [700, 613],
      [701, 613],
      [702, 615],
      [703, 615],
      [704, 617],
      [816, 729],
    ],
  },
];

describe('the page in a window', () => {
  it.each(MEASURED)('has the height that was measured at a pixel ratio of $ratio', ({ ratio, heights }) => {
    const predicted = heights.map(([height]) => [height, pageSizeOf({ width: 1200, height }, ratio).height]);
    expect(predicted).toEqual(heights);
  });

  it('is had of the size that is asked for', () => {
    expect(windowFor({ width: 1280, height: 720 }, 1)).toEqual({ width: 1280, height: 807 });
    for (const { ratio, heights } of MEASURED) {
      for (const [, height] of heights) {
        const page = { width: 1200, height };
        expect(pageSizeOf(windowFor(page, ratio), ratio)).toEqual(page);
      }
    }
  });

  it('is had in a window that there is, and that fits where the page does', () => {
    // Of a screen of 1536 x 864 at 1.25 a taskbar leaves 824; 825 would be the same window and say that it is outside.
    expect(windowFor(pageSizeOf({ width: 1536, height: 824 }, 1.25), 1.25)).toEqual({ width: 1536, height: 824 });
    for (const { ratio, heights } of MEASURED) {
      for (const [height] of heights) {
        const window = windowFor(pageSizeOf({ width: 1200, height }, ratio), ratio);
        expect(window.height).toBeLessThanOrEqual(height);
      }
    }
  });

  it('is not a pixel off because of binary fractions', () => {
    expect(windowFor({ width: 800, height: 600 }, 1.1).width).toBe(800);
    expect(pageSizeOf({ width: 800, height: 700 }, 1.1).width).toBe(800);
  });

  it('is of the nearest size where no window has that one', () => {
    expect(nearestPage({ width: 1280, height: 720 }, 2)).toEqual({ width: 1280, height: 720 });
    const { width, height } = nearestPage({ width: 1201, height: 617 }, 1.25);
    expect([1200, 1202]).toContain(width);
    expect([616, 618]).toContain(height);
  });
});
