import type { Fingerprint, OsFamily } from '@guise/contract';

import type { SeededRandom } from '../../lib/seeded-random.ts';

type Screen = Readonly<Fingerprint['screen']>;
type Window = Fingerprint['window'];

/** How many people let the window fill what there is of the screen. On a Mac that takes more than a click. */
const FILLED_SHARE = { windows: 0.75, linux: 0.7, macos: 0.45 } as const;

/** Smaller ones are seldom; in CSS pixels. */
const LEAST_WIDTH = 1000;
const LEAST_HEIGHT = 640;

/** The window that fills what the system leaves of the screen; all of it on a phone. */
export function fullWindow(screen: Screen): Window {
  return { x: screen.availLeft, y: screen.availTop, width: screen.availWidth, height: screen.availHeight };
}

/** The fewest CSS pixels that are whole physical ones, to which a window is rounded; 1 where few are not. */
function wholeStep(ratio: number): number {
  return [1, 2, 4, 8].find((step) => Number.isInteger(step * ratio)) ?? 1;
}

/** A window as people have them. */
export function placeWindow(os: OsFamily, screen: Screen, random: SeededRandom): Window {
  if (os === 'android' || random.chance(FILLED_SHARE[os])) return fullWindow(screen);
  const step = wholeStep(screen.devicePixelRatio);
  const whole = (length: number): number => Math.floor(length / step) * step;
  const size = (least: number, most: number): number => (most <= least ? most : whole(random.integer(least, most)));
  const width = size(Math.max(LEAST_WIDTH, Math.round(screen.availWidth * 0.6)), screen.availWidth);
  const height = size(Math.max(LEAST_HEIGHT, Math.round(screen.availHeight * 0.7)), screen.availHeight);
  const place = (from: number, room: number): number => {
    const at = whole(from + random.integer(0, room));
    return at < from ? Math.min(at + step, from + room) : at;
  };
  return {
    x: place(screen.availLeft, screen.availWidth - width),
    y: place(screen.availTop, screen.availHeight - height),
    width,
    height,
  };
}
