import type { Fingerprint } from '@guise/contract';
import { describe, expect, it } from 'vitest';

import { AppError } from '../../lib/app-error.ts';
import {
  compileIdentity,
  findFaults,
  generateFingerprint,
  makeScriptTokens,
  meetsConstraints,
  overrideFingerprint,
  updateBrowserVersion,
} from '../identity/index.ts';
import type { BrowserRequest } from '../pool/index.ts';
import {
  type BrowserOptions,
  type Identities,
  stealthLevelOf,
  toBrowserRequest,
  usualKind,
} from './browser-request.ts';

const CONTEXT = { browserVersion: '156.0.8078.79' };
const HOST = { fontsDir: undefined, hardwareHelper: undefined, hasLlvmpipe: false };

const IDENTITIES: Identities = {
  generate: (constraints) => generateFingerprint(constraints, CONTEXT),
  meets: meetsConstraints,
  override: (fingerprint, { timezone, locale }) => overrideFingerprint(fingerprint, { timezone, locale }),
  findFaults: (fingerprint) => findFaults(fingerprint, CONTEXT),
  updateBrowserVersion: (fingerprint) => updateBrowserVersion(fingerprint, CONTEXT.browserVersion),
  compile: (fingerprint, { headless }) =>
    compileIdentity(fingerprint, { headless, tokens: makeScriptTokens(), host: HOST }),
};

const requestFor = (options: Partial<BrowserOptions> = {}): BrowserRequest =>
  toBrowserRequest({ stealthLevel: 'advanced', launchArgs: [], extensionDirs: [], ...options }, IDENTITIES);

function fingerprintOf(request: BrowserRequest): Fingerprint {
  const { identity } = request.toSpec();
  if (identity === undefined) throw new Error('the browser wears nothing');
  return identity.fingerprint;
}

function fieldOf(options: Partial<BrowserOptions>): string | undefined {
  try {
    requestFor(options);
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(AppError);
    return (error as AppError).extensions.errors?.[0]?.path;
  }
}

describe('the browser a session asks for', () => {
  it('is a Windows desktop, of the kind that is always warm', () => {
    const request = requestFor();
    expect(fingerprintOf(request)).toMatchObject({ os: 'windows', clientHints: { mobile: false } });
    expect(request).toMatchObject({ fit: 'warm', viewport: undefined });
    expect(request.kind.key).toBe(usualKind(IDENTITIES).key);
    expect(request.accepts(request.kind.toSpec())).toBe(true);
  });

  it('takes a warm one that is as it is wanted, and no other', () => {
    const germanMac = requestFor({ profile: { os: 'macos' }, locale: 'de-DE' });
    expect(germanMac.accepts(germanMac.kind.toSpec())).toBe(true);
    expect(germanMac.accepts(requestFor({ profile: { os: 'macos', country: 'US' } }).kind.toSpec())).toBe(false);
    expect(germanMac.accepts(requestFor({ profile: { os: 'macos' }, locale: 'de-DE', headless: false }).toSpec())).toBe(
      false,
    );
    expect(germanMac.accepts(requestFor({ stealthLevel: 'basic' }).kind.toSpec())).toBe(false);
    // Whatever Mac is asked for, a German one is one.
    expect(requestFor({ profile: { os: 'macos' } }).accepts(germanMac.kind.toSpec())).toBe(true);
  });

  it('is of another kind for each wish, under a few names', () => {
    const kinds = [
      requestFor(),
      requestFor({ headless: false }),
      requestFor({ timezone: 'America/Denver' }),
      requestFor({ profile: { os: 'macos' } }),
      requestFor({ stealthLevel: 'basic' }),
      requestFor({ stealthLevel: 'none', headless: false }),
    ].map(({ kind }) => kind);
    expect(new Set(kinds.map(({ key }) => key)).size).toBe(kinds.length);
    expect(kinds.map(({ name }) => name)).toEqual([
      'headless-windows',
      'headful-windows',
      'headless-windows',
      'headless-macos',
      'headless-basic',
      'headful-none',
    ]);
  });

  it('is one individual for a seed and for a whole fingerprint', () => {
    const seeded = requestFor({ profile: { os: 'linux', seed: 5 } });
    expect(seeded.fit).toBe('pinned');
    expect(fingerprintOf(seeded)).toEqual(fingerprintOf(requestFor({ profile: { os: 'linux', seed: 5 } })));
    const profile = fingerprintOf(seeded);
    const pinned = requestFor({ profile });
    expect([pinned.fit, pinned.accepts(pinned.toSpec())]).toEqual(['pinned', false]);
    expect(fingerprintOf(pinned)).toEqual(profile);
  });

  it('is launched for what no warm browser is born with', () => {
    for (const options of [{ launchArgs: ['--mute-audio'] }, { extensionDirs: ['/e'] }] as const) {
      expect(requestFor(options).fit).toBe('unfit');
    }
    expect(requestFor({ geolocation: { latitude: 1, longitude: 2 } }).fit).toBe('unfit');
    expect(requestFor({ stealthLevel: 'basic', userAgent: 'x' }).fit).toBe('unfit');
  });

  it('is given a device whose screen holds the page that is asked for', () => {
    for (const viewport of [
      { width: 2_500, height: 1_300 },
      { width: 600, height: 500, deviceScaleFactor: 2 },
    ]) {
      const { screen, window } = fingerprintOf(requestFor({ viewport }));
      expect(window.width).toBe(viewport.width);
      expect(screen.availHeight).toBeGreaterThanOrEqual(window.height);
      expect(screen.devicePixelRatio).toBe('deviceScaleFactor' in viewport ? 2 : 1);
    }
  });

  it('follows locale and time zone of the request', () => {
    const { languages, timezone } = fingerprintOf(requestFor({ locale: 'ja-JP', timezone: 'Asia/Tokyo' }));
    expect([languages[0], timezone]).toEqual(['ja-JP', 'Asia/Tokyo']);
  });

  it('is refused by the option that cannot be', () => {
    expect(fieldOf({ userAgent: 'mine' })).toBe('/userAgent');
    expect(fieldOf({ stealthLevel: 'none', profile: { os: 'macos' } })).toBe('/profile');
    expect(fieldOf({ stealthLevel: 'maximum', headless: true })).toBe('/headless');
    expect(fieldOf({ profile: { os: 'android' }, viewport: { width: 500, height: 500 } })).toBe('/viewport');
    expect(fieldOf({ profile: { os: 'windows', gpu: 'apple' } })).toBe('/gpu');
  });

  it('may not contradict itself, unless that is wanted', () => {
    const profile = { ...fingerprintOf(requestFor()), navigatorPlatform: 'MacIntel' };
    expect(() => requestFor({ profile })).toThrow(expect.objectContaining({ code: 'PROFILE_INCOHERENT' }) as Error);
    expect(fingerprintOf(requestFor({ profile, allowIncoherent: true })).navigatorPlatform).toBe('MacIntel');
  });
});

describe('the stealth level', () => {
  it('leaves a user agent of the client alone where nothing else is asked for', () => {
    expect(stealthLevelOf({})).toBe('advanced');
    expect(stealthLevelOf({ userAgent: 'mine' })).toBe('basic');
    expect(stealthLevelOf({ userAgent: 'mine', stealthLevel: 'none' })).toBe('none');
  });
});
