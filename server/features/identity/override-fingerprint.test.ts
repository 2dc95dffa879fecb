import { Fingerprint, OS_FAMILIES } from '@guise/contract';
import { describe, expect, it } from 'vitest';

import { compileCheck } from '../../http/validation.ts';
import { findFaults } from './coherence/find-faults.ts';
import { generateFingerprint } from './generate-fingerprint.ts';
import { overrideFingerprint } from './override-fingerprint.ts';
import { updateBrowserVersion } from './update-browser-version.ts';

const context = { browserVersion: '156.0.8078.79' };
const windows = generateFingerprint({ os: 'windows', locale: 'en-US', seed: 2 }, context);

describe('options of a session', () => {
  it('change what they name and what hangs on it', () => {
    const worn = overrideFingerprint(windows, {
      timezone: 'asia/tokyo',
      locale: 'ja-JP',
      geolocation: { mode: 'allow', latitude: 35.7, longitude: 139.7, accuracy: 10 },
      colorScheme: 'dark',
    });
    expect(worn).toMatchObject({
      locale: 'ja-JP',
      languages: ['ja-JP', 'ja', 'en-US', 'en'],
      timezone: 'Asia/Tokyo',
      geolocation: { mode: 'allow', longitude: 139.7 },
      colorScheme: 'dark',
      screen: windows.screen,
      gpu: windows.gpu,
      userAgent: windows.userAgent,
    });
    expect(worn.voices[0]).toMatchObject({ lang: 'ja-JP', isDefault: true });
    expect(findFaults(worn, context)).toEqual([]);
  });

  it('change nothing where they say what it is already, or nothing', () => {
    expect(overrideFingerprint(windows, {})).toEqual(windows);
    expect(overrideFingerprint(windows, { locale: 'en-us', timezone: windows.timezone })).toEqual(windows);
  });

  it('that do not exist are refused by name', () => {
    expect(() => overrideFingerprint(windows, { timezone: 'Mars/Olympus' })).toThrow('/timezone');
    expect(() => overrideFingerprint(windows, { locale: 'tlh' })).toThrow('/locale');
    expect(() => overrideFingerprint(windows, { locale: '-' })).toThrow('/locale');
  });
});

describe('an update of the browser', () => {
  it('moves what the version decides, and nothing else', () => {
    for (const os of OS_FAMILIES) {
      const before = generateFingerprint({ os, seed: 6 }, context);
      const after = updateBrowserVersion(before, '157.0.8100.12');
      compileCheck(Fingerprint)(after);
      expect(findFaults(after, { browserVersion: '157.0.8100.12' })).toEqual([]);
      expect(findFaults(after, context).map(({ rule }) => rule)).toEqual(['S1']);
      expect(after.userAgent).toContain('Chrome/157.0.0.0');
      const { brands: _brands, fullVersionList: _versions, ...hints } = before.clientHints;
      const same = { ...before, browser: after.browser, userAgent: after.userAgent, clientHints: after.clientHints };
      expect(after).toEqual(same);
      expect(after.clientHints).toMatchObject(hints);
      expect(updateBrowserVersion(after, context.browserVersion)).toEqual(before);
    }
  });
});
