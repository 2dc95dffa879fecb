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

/** A window as people have them. */
export function placeWindow(os: OsFamily, screen: Screen, random: SeededRandom): Window {
  if (os === 'android' || random.chance(FILLED_SHARE[os])) return fullWindow(screen);
  const size = (least: number, most: number): number => (most <= least ? most : random.integer(least, most));
  const width = size(Math.max(LEAST_WIDTH, Math.round(screen.availWidth * 0.6)), screen.availWidth);
  const height = size(Math.max(LEAST_HEIGHT, Math.round(screen.availHeight * 0.7)), screen.availHeight);
  return {
    x: screen.availLeft + random.integer(0, screen.availWidth - width),
    y: screen.availTop + random.integer(0, screen.availHeight - height),
    width,
    height,
  };
}
