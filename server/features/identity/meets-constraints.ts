import type { Fingerprint, FingerprintConstraints } from '@guise/contract';

import { listTimezones } from './time-zones.ts';

const BRANDS = { chrome: 'Google Chrome', chromium: 'Chromium' } as const;

/** Whether nothing is wanted, or just this. */
function isAsWanted<Value>(wanted: Value | undefined, own: Value): boolean {
  return wanted === undefined || wanted === own;
}

function isWithin(wanted: NonNullable<FingerprintConstraints['screen']>, own: Fingerprint['screen']): boolean {
  const { minWidth = 0, maxWidth = Infinity, minHeight = 0, maxHeight = Infinity } = wanted;
  const hasRatio = isAsWanted(wanted.devicePixelRatio, own.devicePixelRatio);
  const isWide = own.width >= minWidth && own.width <= maxWidth;
  return hasRatio && isWide && own.height >= minHeight && own.height <= maxHeight;
}

/** Whether a fingerprint is as the constraints want it. A seed asks for one certain fingerprint. Pure. */
export function meetsConstraints(own: Fingerprint, wanted: FingerprintConstraints): boolean {
  const device = own.clientHints.mobile ? 'mobile' : 'desktop';
  return [
    isAsWanted(wanted.os, own.os),
    wanted.osVersion === undefined || `${own.osVersion}.`.startsWith(`${wanted.osVersion}.`),
    isAsWanted(wanted.device, device),
    isAsWanted(wanted.browser && BRANDS[wanted.browser], own.browser.brand),
    isAsWanted(wanted.locale, own.locale),
    wanted.country === undefined || listTimezones(wanted.country).includes(own.timezone),
    isAsWanted(wanted.timezone, own.timezone),
    isWithin(wanted.screen ?? {}, own.screen),
    wanted.gpu === undefined || own.gpu.vendor.toLowerCase().includes(wanted.gpu),
    isAsWanted(wanted.seed, own.seed),
  ].every(Boolean);
}
