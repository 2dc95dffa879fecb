import type { Fingerprint, OsFamily } from '@guise/contract';

import { listDevices } from '../device-population.ts';
import { fullWindow } from '../place-window.ts';
import { type CoherenceRule, demand, type Finding } from './coherence-rule.ts';

type Screen = Fingerprint['screen'];

/** Scales a desktop offers. */
const SCALES: Readonly<Record<Exclude<OsFamily, 'android'>, readonly number[]>> = {
  windows: [1, 1.25, 1.5, 1.75, 2, 2.25, 2.5, 3, 3.5],
  macos: [1, 2],
  linux: [1, 1.25, 1.5, 1.75, 2],
};

/** Smaller ones have no bar beside the page, in CSS pixels. */
const THINNEST_BAR = 20;
const SMALLEST_SCREEN = 320;
const SMALLEST_WINDOW = { width: 400, height: 300 } as const;

/** Physical pixels are whole: 1536 x 1.25 are 1920. */
function isWhole(size: number, scale: number): boolean {
  return Math.abs(size * scale - Math.round(size * scale)) < 0.01;
}

function isScaleFine(os: OsFamily, { width, height, devicePixelRatio: scale }: Screen): boolean {
  // Phones round up to CSS pixels.
  if (os === 'android') return scale >= 1.5 && scale <= 4.5;
  return SCALES[os].includes(scale) && isWhole(width, scale) && isWhole(height, scale);
}

function scaleFindings({ os, screen }: Fingerprint): Finding[] {
  const { width, height, devicePixelRatio } = screen;
  return [
    ...demand(isScaleFine(os, screen), {
      path: '/screen/devicePixelRatio',
      message: `${width}x${height} at ${devicePixelRatio} is no screen of ${os}`,
      repair: 'take the scale of a device with this screen',
    }),
    ...demand(width >= SMALLEST_SCREEN && height >= SMALLEST_SCREEN, {
      path: '/screen/width',
      message: `${width}x${height} is smaller than any screen`,
      repair: 'take the screen of a device',
    }),
    ...demand(os !== 'android' || width < height, {
      path: '/screen/width',
      message: 'is more than the height, and a phone is held upright',
      repair: 'exchange width and height',
    }),
  ];
}

function isAvailInside({ width, height, availWidth, availHeight, availLeft, availTop }: Screen): boolean {
  return availLeft + availWidth <= width && availTop + availHeight <= height && availWidth > 0 && availHeight > 0;
}

function hasBar(os: OsFamily, { width, height, availWidth, availHeight, availTop }: Screen): boolean {
  if (os === 'macos') return availTop >= THINNEST_BAR;
  return Math.max(width - availWidth, height - availHeight) >= THINNEST_BAR;
}

function availFindings({ os, screen }: Fingerprint): Finding[] {
  const path = '/screen/availHeight';
  if (os === 'android') {
    const isAll = screen.availWidth === screen.width && screen.availHeight === screen.height;
    const message = 'is not the height of the screen, and on Android pages are told of all of it';
    return demand(isAll && screen.availLeft + screen.availTop === 0, {
      path,
      message,
      repair: 'take the whole screen',
    });
  }
  const repair = 'take the insets of a device with this screen';
  if (!isAvailInside(screen)) return [{ path, message: 'reaches beyond the screen', repair }];
  const bar = os === 'macos' ? 'menu bar' : 'task bar or panel';
  return demand(hasBar(os, screen), { path, message: `leaves no room for a ${bar}`, repair });
}

function isWindowInside({ screen, window }: Fingerprint): boolean {
  const { x, y, width, height } = window;
  const right = screen.availLeft + screen.availWidth;
  const bottom = screen.availTop + screen.availHeight;
  return x >= screen.availLeft && y >= screen.availTop && x + width <= right && y + height <= bottom;
}

function windowFindings(fingerprint: Fingerprint): Finding[] {
  const { os, screen, window } = fingerprint;
  const repair = 'let the window fill what is left of the screen';
  if (os === 'android') {
    const isAll = window.width === screen.width && window.height === screen.height && window.x + window.y === 0;
    return demand(isAll, { path: '/window', message: 'is not the whole screen, as it is on a phone', repair });
  }
  const isLarge = window.width >= SMALLEST_WINDOW.width && window.height >= SMALLEST_WINDOW.height;
  return [
    ...demand(isWindowInside(fingerprint), {
      path: '/window',
      message: 'reaches beyond what is left of the screen',
      repair,
    }),
    ...demand(isLarge, { path: '/window', message: 'is smaller than a window can be made', repair }),
  ];
}

function colourFindings({ os, screen }: Fingerprint): Finding[] {
  const isWide = screen.colorDepth === 30 || screen.colorGamut === 'p3';
  return demand(!isWide || (os === 'macos' && screen.colorDepth === 30 && screen.colorGamut === 'p3'), {
    path: screen.colorDepth === 30 ? '/screen/colorDepth' : '/screen/colorGamut',
    message: 'is that of a wide screen of a Mac, which has 30 bits and p3 together',
    repair: 'take 24 bits and srgb',
  });
}

/** The screen of a device like it: of the same size, as far as there is one. */
function likeScreen({ os, screen }: Fingerprint): Screen {
  const devices = [...listDevices(os)].sort((one, other) => other.weight - one.weight);
  const sameSize = devices.filter((each) => each.screen.width === screen.width && each.screen.height === screen.height);
  const sameScale = sameSize.filter((each) => each.screen.devicePixelRatio === screen.devicePixelRatio);
  const [device] = [...sameScale, ...sameSize, ...devices];
  if (device === undefined) throw new Error(`There are no devices for ${os}`);
  return { ...device.screen };
}

/** Screens nobody sells keep their size where only what is left of them is wrong. */
function usualInsets(os: OsFamily, screen: Screen): Screen {
  const { width, height } = screen;
  const [top, bottom] = { windows: [0, 48], macos: [33, 0], linux: [27, 0], android: [0, 0] }[os];
  const inset = (top ?? 0) + (bottom ?? 0);
  return { ...screen, availLeft: 0, availTop: top ?? 0, availWidth: width, availHeight: height - inset };
}

/** S7: the screen is one that is made, with the bars of its system, and the window is within what they leave. */
export const screenRule: CoherenceRule = {
  id: 'S7',
  name: 'screen',
  why: 'A screen without a task bar, a window beyond it or a size no maker has is what virtual displays look like.',
  find: (fingerprint) => [
    ...scaleFindings(fingerprint),
    ...availFindings(fingerprint),
    ...windowFindings(fingerprint),
    ...colourFindings(fingerprint),
  ],
  mend: (fingerprint) => {
    const { os } = fingerprint;
    const sized = scaleFindings(fingerprint).length > 0 ? likeScreen(fingerprint) : fingerprint.screen;
    const used = availFindings({ ...fingerprint, screen: sized }).length > 0 ? usualInsets(os, sized) : sized;
    const isColourWrong = colourFindings({ ...fingerprint, screen: used }).length > 0;
    const screen: Screen = isColourWrong ? { ...used, colorDepth: 24, colorGamut: 'srgb' } : used;
    const isWindowWrong = windowFindings({ ...fingerprint, screen }).length > 0;
    return { ...fingerprint, screen, window: isWindowWrong ? fullWindow(screen) : fingerprint.window };
  },
};
