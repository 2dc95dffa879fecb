import type { OsFamily } from '@guise/contract';

import { platformFacts } from '../platform-facts.ts';
import { compare, type CoherenceRule, demand } from './coherence-rule.ts';

/** How many fingers the screens of a system's devices feel. */
const TOUCH_POINTS: Readonly<
  Record<OsFamily, { readonly least: number; readonly most: number; readonly usual: number }>
> = {
  windows: { least: 0, most: 10, usual: 0 },
  macos: { least: 0, most: 0, usual: 0 },
  linux: { least: 0, most: 10, usual: 0 },
  android: { least: 2, most: 10, usual: 5 },
};

/** S8: touch and the mobile hint are those of the device; pointer and hover follow from them at launch. */
export const inputRule: CoherenceRule = {
  id: 'S8',
  name: 'input',
  why: 'Touch points, the pointer and hover media queries and Sec-CH-UA-Mobile say the same thing in three places.',
  find: ({ os, hardware, clientHints }) => {
    const { least, most } = TOUCH_POINTS[os];
    const points = hardware.maxTouchPoints;
    const range = least === most ? String(most) : `${least} to ${most}`;
    return [
      ...demand(points >= least && points <= most, {
        path: '/hardware/maxTouchPoints',
        message: `is ${points}; devices of ${os} have ${range}`,
        repair: `set it to ${TOUCH_POINTS[os].usual}`,
      }),
      ...compare([{ path: '/clientHints/mobile', actual: clientHints.mobile, expected: platformFacts(os).isMobile }]),
    ];
  },
  mend: (fingerprint) => {
    const { os, hardware, clientHints } = fingerprint;
    const { least, most, usual } = TOUCH_POINTS[os];
    const isFine = hardware.maxTouchPoints >= least && hardware.maxTouchPoints <= most;
    return {
      ...fingerprint,
      hardware: { ...hardware, maxTouchPoints: isFine ? hardware.maxTouchPoints : usual },
      clientHints: { ...clientHints, mobile: platformFacts(os).isMobile },
    };
  },
};

/**
 * S12: nothing contradicts the interfaces of the system.
 *
 * Which of them a browser has follows from its system at launch; the form factor is what a fingerprint itself says of it.
 */
export const surfaceRule: CoherenceRule = {
  id: 'S12',
  name: 'api-surface',
  why: 'Interfaces a system has or lacks, such as shared workers on a phone, are compared with the form factor that is told.',
  find: ({ os, clientHints }) =>
    compare([
      { path: '/clientHints/formFactors', actual: clientHints.formFactors, expected: platformFacts(os).formFactors },
    ]),
  mend: (fingerprint) => ({
    ...fingerprint,
    clientHints: { ...fingerprint.clientHints, formFactors: [...platformFacts(fingerprint.os).formFactors] },
  }),
};
