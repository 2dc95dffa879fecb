import type { CoherenceFault, Fingerprint } from '@guise/contract';

import { brandsRule, browserVersionRule, userAgentRule } from './browser-rules.ts';
import type { CoherenceContext, CoherenceRule } from './coherence-rule.ts';
import { fontsRule, mediaRule } from './content-rules.ts';
import { gpuRule, hardwareRule } from './device-rules.ts';
import { inputRule, surfaceRule } from './input-rules.ts';
import { platformRule } from './platform-rule.ts';
import { exclusiveRule, webrtcRule } from './proxy-rules.ts';
import { languagesRule, regionRule } from './region-rules.ts';
import { screenRule } from './screen-rule.ts';

/** In the order of their ids. */
const RULES: readonly CoherenceRule[] = [
  browserVersionRule,
  userAgentRule,
  brandsRule,
  platformRule,
  gpuRule,
  hardwareRule,
  screenRule,
  inputRule,
  languagesRule,
  regionRule,
  fontsRule,
  surfaceRule,
  webrtcRule,
  mediaRule,
  exclusiveRule,
];

/** What is mended can break a rule that held, as a GPU does the architecture beside it; no chain of these is longer. */
const MOST_PASSES = 4;

/** Every way in which a fingerprint contradicts itself, the browser that is to wear it, or its proxy. Pure. */
export function findFaults(fingerprint: Fingerprint, context: CoherenceContext): CoherenceFault[] {
  return RULES.flatMap(({ id, name, why, find }) =>
    find(fingerprint, context).map((finding) => ({ rule: id, name, ...finding, why })),
  );
}

/**
 * The fingerprint with all mended that can be. What it stands for stays: seed, system, and GPU and screen where they can be of a
 * device. Faults that are left are of S15, which no fingerprint can mend. Pure.
 */
export function repairFingerprint(fingerprint: Fingerprint, context: CoherenceContext): Fingerprint {
  let mended = fingerprint;
  for (let pass = 0; pass < MOST_PASSES; pass += 1) {
    const before = mended;
    for (const { find, mend } of RULES) {
      if (mend !== undefined && find(mended, context).length > 0) mended = mend(mended, context);
    }
    if (mended === before) break;
  }
  return mended;
}
