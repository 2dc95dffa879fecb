import { COHERENCE_RULES, Fingerprint, OS_FAMILIES } from '@guise/contract';
import { describe, expect, it } from 'vitest';

import { compileCheck } from '../../../http/validation.ts';
import { generateFingerprint } from '../generate-fingerprint.ts';
import { findFaults, repairFingerprint } from './find-faults.ts';
import { BROWSER_CASES } from './fixtures/browser-cases.ts';
import { CONTENT_CASES } from './fixtures/content-cases.ts';
import { DEVICE_CASES } from './fixtures/device-cases.ts';
import { BROWSER_VERSION, coherentFor, incoherentFor } from './fixtures/incoherent-case.ts';

const INCOHERENT_CASES = [...BROWSER_CASES, ...DEVICE_CASES, ...CONTENT_CASES];

const context = { browserVersion: BROWSER_VERSION };
const checkSchema = compileCheck(Fingerprint);

describe('the coherence rules', () => {
  it('find nothing in the fingerprints the cases start from', () => {
    for (const os of OS_FAMILIES) expect(findFaults(coherentFor(os), context)).toEqual([]);
  });

  it('have a case each, and more than sixty in all', () => {
    expect(new Set(INCOHERENT_CASES.map(({ rule }) => rule))).toEqual(new Set(COHERENCE_RULES));
    const fingerprints = INCOHERENT_CASES.map((each) => JSON.stringify(incoherentFor(each)));
    expect(new Set(fingerprints).size).toBeGreaterThanOrEqual(60);
  });

  it.each(INCOHERENT_CASES)('$rule finds $what ($os)', (incoherent) => {
    const { fingerprint, context: seen } = incoherentFor(incoherent);
    const faults = findFaults(fingerprint, seen).filter(({ rule }) => rule === incoherent.rule);
    expect(faults).not.toEqual([]);
    for (const fault of faults) {
      expect(Object.values(fault).every((text) => typeof text === 'string')).toBe(true);
      for (const text of [fault.name, fault.message, fault.why, fault.repair]) expect(text).not.toBe('');
    }
  });

  it.each(INCOHERENT_CASES.filter(({ rule }) => rule !== 'S15'))('$what is mended ($rule, $os)', (incoherent) => {
    const { fingerprint, context: seen } = incoherentFor(incoherent);
    const mended = repairFingerprint(fingerprint, seen);
    expect(findFaults(mended, seen)).toEqual([]);
    checkSchema(mended);
    expect(mended.seed).toBe(fingerprint.seed);
    expect(mended.os).toBe(fingerprint.os);
    if (incoherent.rule !== 'S5') expect(mended.gpu).toEqual(fingerprint.gpu);
    if (incoherent.rule !== 'S7') expect(mended.screen).toEqual(fingerprint.screen);
    // Nothing is left to do, and nothing is done.
    expect(repairFingerprint(mended, seen)).toEqual(mended);
  });

  it('leave a fingerprint without faults as it is', () => {
    for (const fingerprint of OS_FAMILIES.map(coherentFor)) {
      expect(repairFingerprint(fingerprint, context)).toBe(fingerprint);
    }
  });

  it('say who wears a profile, which no repair of it changes', () => {
    const seen = { ...context, isLocked: true, sharesProxy: true };
    const mended = repairFingerprint(coherentFor('linux'), seen);
    expect(findFaults(mended, seen).map(({ rule }) => rule)).toEqual(['S15', 'S15']);
  });

  it('tell every fault of a fingerprint, each with its place', () => {
    const windows = coherentFor('windows');
    const { clientHints, hardware } = windows;
    const broken = {
      ...windows,
      os: 'android' as const,
      hardware: { ...hardware, memoryGb: 32 },
      clientHints: { ...clientHints, brands: [] },
    };
    const faults = findFaults(broken, context);
    expect(new Set(faults.map(({ rule }) => rule))).toEqual(
      new Set(['S2', 'S3', 'S4', 'S5', 'S6', 'S7', 'S8', 'S11', 'S12', 'S14']),
    );
    expect(faults.map(({ path }) => path)).toContain('/hardware/memoryGb');
    expect(findFaults(repairFingerprint(broken, context), context)).toEqual([]);
  });

  it('do not look for a proxy where there is none', () => {
    const tokyo = { ...coherentFor('linux'), timezone: 'Asia/Tokyo', webrtcPolicy: 'default' as const };
    expect(findFaults(tokyo, context)).toEqual([]);
  });

  it('take a proxy in the same place', () => {
    const newYork = coherentFor('macos');
    for (const proxy of [
      { country: 'US' },
      { country: 'US', timezone: 'America/Detroit', hasUdp: true },
      { timezone: 'America/Toronto' },
      {},
    ]) {
      expect(findFaults(newYork, { ...context, proxy })).toEqual([]);
    }
  });
});

describe('repair', () => {
  it('makes any fingerprint whole whose system was changed', () => {
    for (const from of OS_FAMILIES) {
      for (const to of OS_FAMILIES) {
        const dressed = { ...generateFingerprint({ os: from, seed: 5 }, context), os: to };
        const mended = repairFingerprint(dressed, context);
        expect(findFaults(mended, context)).toEqual([]);
        checkSchema(mended);
      }
    }
  });

  it('moves a fingerprint to where its proxy leaves', () => {
    const french = generateFingerprint({ os: 'windows', locale: 'fr-FR', seed: 1 }, context);
    const mended = repairFingerprint(french, { ...context, proxy: { country: 'DE', hasUdp: false } });
    expect(mended).toMatchObject({
      locale: 'de-DE',
      timezone: 'Europe/Berlin',
      languages: ['de-DE', 'de', 'en-US', 'en'],
    });
    expect(mended.voices[0]?.lang).toBe('de-DE');
    expect({ ...mended, locale: 0, languages: 0, timezone: 0, voices: 0 }).toEqual({
      ...french,
      locale: 0,
      languages: 0,
      timezone: 0,
      voices: 0,
    });
  });
});
