import type { FingerprintConstraints } from '@guise/contract';
import { describe, expect, it } from 'vitest';

import { generateFingerprint } from './generate-fingerprint.ts';
import { meetsConstraints } from './meets-constraints.ts';

const CONTEXT = { browserVersion: '156.0.8078.79' };

const CONSTRAINTS: readonly FingerprintConstraints[] = [
  {},
  { os: 'windows', osVersion: '11', gpu: 'nvidia' },
  { os: 'macos', locale: 'de-DE' },
  { os: 'android', country: 'FR' },
  { os: 'linux', browser: 'chromium', timezone: 'America/New_York' },
  { device: 'mobile' },
  { os: 'windows', screen: { minWidth: 1_920, maxWidth: 1_920 } },
];

describe('whether a fingerprint meets constraints', () => {
  it('is so of each that was made from them', () => {
    for (const constraints of CONSTRAINTS) {
      for (let seed = 0; seed < 20; seed += 1) {
        const fingerprint = generateFingerprint({ ...constraints, seed }, CONTEXT);
        expect([constraints, meetsConstraints(fingerprint, constraints)]).toEqual([constraints, true]);
      }
    }
  });

  it('is not so of one that is otherwise in one point', () => {
    const fingerprint = generateFingerprint({ os: 'windows', osVersion: '11', country: 'US', seed: 3 }, CONTEXT);
    const others: readonly FingerprintConstraints[] = [
      { os: 'macos' },
      { osVersion: '10' },
      { osVersion: '1' },
      { device: 'mobile' },
      { browser: 'chromium' },
      { locale: 'en-GB' },
      { country: 'GB' },
      { timezone: 'Europe/London' },
      { screen: { minWidth: fingerprint.screen.width + 1 } },
      { screen: { maxHeight: fingerprint.screen.height - 1 } },
      { gpu: 'apple' },
      { seed: 4 },
    ];
    for (const each of others) expect([each, meetsConstraints(fingerprint, each)]).toEqual([each, false]);
  });
});
