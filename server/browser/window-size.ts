interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * What lies above the page in a window: tab strip and toolbar, in CSS pixels. Each is rounded down to physical pixels by itself,
 * as Chromium 156 does at every ratio that devices have.
 */
const BARS = [41, 46] as const;

/** What binary fractions leave of 1.1 * 800 is neither a pixel more nor less. */
const ROUNDING = 1e-6;

/** How far a window's height can be from the page's and the bars' together. CSS pixels. */
const MOST_LOST = 2;

/** The length for Chromium's flag, which rounds up to whole physical pixels and then to whole CSS pixels. */
export function windowLength(length: number, ratio: number): number {
  const pixels = length * ratio;
  return Math.abs(pixels - Math.round(pixels)) < ROUNDING ? length : length - 1;
}

const toPixels = (length: number, ratio: number): number => Math.ceil(windowLength(length, ratio) * ratio - ROUNDING);

/** Whether a window that is to be so long is, as it says itself: between physical pixels there are lengths that none has. */
const isLength = (length: number, ratio: number): boolean =>
  Math.ceil(toPixels(length, ratio) / ratio - ROUNDING) === length;

/** The size of the page in a window, both in CSS pixels, on a screen with `ratio` physical pixels for each of them. Pure. */
export function pageSizeOf(window: Size, ratio: number): Size {
  const bars = BARS.reduce((sum, bar) => sum + Math.floor(bar * ratio), 0);
  return {
    width: Math.round(toPixels(window.width, ratio) / ratio),
    height: Math.round((toPixels(window.height, ratio) - bars) / ratio),
  };
}

/** The window whose page has this size, or one as near as there is where the ratio is no whole number. Pure. */
export function windowFor(page: Size, ratio: number): Size {
  const guess = { width: page.width, height: page.height + BARS[0] + BARS[1] };
  const nearest = (side: keyof Size): number => {
    const away = (length: number): number =>
      Math.abs(pageSizeOf({ ...guess, [side]: length }, ratio)[side] - page[side]);
    // The plainest first: it stays where others are no nearer.
    const candidates = Array.from(
      { length: 2 * MOST_LOST + 1 },
      (_, index) => guess[side] + (index % 2 === 0 ? index / 2 : -(index + 1) / 2),
    );
    const lengths = candidates.filter((length) => isLength(length, ratio));
    return lengths.reduce((best, each) => (away(each) < away(best) ? each : best), lengths[0] ?? guess[side]);
  };
  return { width: nearest('width'), height: nearest('height') };
}

/** The size of page nearest to this one that a window can have: the same where the ratio is a whole number. Pure. */
export function nearestPage(page: Size, ratio: number): Size {
  return pageSizeOf(windowFor(page, ratio), ratio);
}
