import type { Fingerprint } from '@guise/contract';

import { type BrowserIdentity, type SetupCommand, windowLength } from '../../../browser/index.ts';

type Display = BrowserIdentity['display'];

/** What binary fractions leave of 1.1 * 10 is neither a pixel more nor less. */
const ROUNDING = 1e-6;

/** Physical pixels of a length in CSS pixels that need not come out even. */
function toPixels(length: number, ratio: number, round: 'up' | 'down'): number {
  return round === 'up' ? Math.ceil(length * ratio - ROUNDING) : Math.floor(length * ratio + ROUNDING);
}

/**
 * The virtual display of a browser with a window: the screen, with what of it is free of taskbars. An X screen is rounded down on
 * the way back to CSS pixels, its work area up. Pure.
 */
export function planDisplay({ screen }: Fingerprint): Display {
  const { devicePixelRatio: ratio } = screen;
  const width = toPixels(screen.width, ratio, 'up');
  const height = toPixels(screen.height, ratio, 'up');
  return {
    width,
    height,
    workArea: {
      left: toPixels(screen.availLeft, ratio, 'down'),
      top: toPixels(screen.availTop, ratio, 'down'),
      width: screen.availWidth === screen.width ? width : toPixels(screen.availWidth, ratio, 'down'),
      height: screen.availHeight === screen.height ? height : toPixels(screen.availHeight, ratio, 'down'),
    },
  };
}

/** Physical pixels of a headless screen's border that Chromium, which multiplies in single precision and rounds up, reads as `inset`. */
function insetPixels(inset: number, ratio: number): number {
  const pixels = toPixels(inset, ratio, 'down');
  const toInset = (each: number): number => Math.ceil(Math.fround(each * Math.fround(1 / ratio)));
  return [pixels, pixels - 1].find((each) => toInset(each) === inset) ?? pixels;
}

/** The screen of a browser without a window, which is rounded up on the way back. */
function screenInfo({ screen }: Fingerprint): string {
  const { width, height, availLeft, availTop, availWidth, availHeight, devicePixelRatio: ratio } = screen;
  const fields = [
    `${toPixels(width, ratio, 'down')}x${toPixels(height, ratio, 'down')}`,
    `devicePixelRatio=${ratio}`,
    `colorDepth=${screen.colorDepth}`,
    `workAreaLeft=${insetPixels(availLeft, ratio)}`,
    `workAreaTop=${insetPixels(availTop, ratio)}`,
    `workAreaRight=${insetPixels(width - availLeft - availWidth, ratio)}`,
    `workAreaBottom=${insetPixels(height - availTop - availHeight, ratio)}`,
  ];
  return `--screen-info={${fields.join(' ')}}`;
}

/** Pointers and touch, by Blink's numbers (pointer: none 1, coarse 2, fine 4; hover: none 1, hover 2). */
function inputFlags({ clientHints, hardware: { maxTouchPoints } }: Fingerprint): string[] {
  const hasTouch = maxTouchPoints > 0;
  const mouse = { primaryHoverType: 2, primaryPointerType: 4 };
  const settings = {
    ...(clientHints.mobile
      ? { primaryHoverType: 1, availableHoverTypes: 1, primaryPointerType: 2, availablePointerTypes: 2 }
      : { ...mouse, availableHoverTypes: hasTouch ? 3 : 2, availablePointerTypes: hasTouch ? 6 : 4 }),
    ...(hasTouch ? { maxTouchPoints } : {}),
  };
  const list = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  return [`--blink-settings=${list.join(',')}`, ...(hasTouch ? ['--touch-events=enabled'] : [])];
}

/** Screen, window, colours and pointers, as flags. Pure. */
export function screenFlags(fingerprint: Fingerprint, headless: boolean): string[] {
  const { screen, window, colorScheme } = fingerprint;
  const { devicePixelRatio: ratio } = screen;
  return [
    `--window-size=${windowLength(window.width, ratio)},${windowLength(window.height, ratio)}`,
    `--window-position=${window.x},${window.y}`,
    headless ? screenInfo(fingerprint) : `--force-device-scale-factor=${ratio}`,
    ...inputFlags(fingerprint),
    ...(colorScheme === 'dark' ? ['--force-dark-mode'] : []),
    ...(screen.colorGamut === 'p3' ? ['--force-color-profile=display-p3-d65'] : []),
  ];
}

/** What a phone's page is, which no flag can say: its viewport is the screen's, and scales as phones' do. Pure. */
export function mobileMetrics({ screen, window, clientHints }: Fingerprint): SetupCommand[] {
  if (!clientHints.mobile) return [];
  const isPortrait = screen.height >= screen.width;
  return [
    {
      method: 'Emulation.setDeviceMetricsOverride',
      params: {
        width: window.width,
        height: window.height,
        deviceScaleFactor: screen.devicePixelRatio,
        mobile: true,
        screenWidth: screen.width,
        screenHeight: screen.height,
        screenOrientation: isPortrait ? { type: 'portraitPrimary', angle: 0 } : { type: 'landscapePrimary', angle: 90 },
      },
    },
  ];
}
