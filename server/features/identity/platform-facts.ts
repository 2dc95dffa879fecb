import type { Fingerprint, OsFamily } from '@guise/contract';

import { listBrands, reducedUserAgent } from '../../browser/index.ts';

/** What a browser says of its system in the same words on every device of a family. */
interface PlatformFacts {
  /** In the user agent, where versions are frozen. */
  readonly system: string;
  /** The client hint. */
  readonly platform: string;
  readonly navigatorPlatform: string;
  readonly bitness: string;
  readonly isMobile: boolean;
  readonly formFactors: readonly string[];
}

const FACTS: Readonly<Record<OsFamily, PlatformFacts>> = {
  windows: {
    system: 'Windows NT 10.0; Win64; x64',
    platform: 'Windows',
    navigatorPlatform: 'Win32',
    bitness: '64',
    isMobile: false,
    formFactors: ['Desktop'],
  },
  macos: {
    system: 'Macintosh; Intel Mac OS X 10_15_7',
    platform: 'macOS',
    navigatorPlatform: 'MacIntel',
    bitness: '64',
    isMobile: false,
    formFactors: ['Desktop'],
  },
  linux: {
    system: 'X11; Linux x86_64',
    platform: 'Linux',
    navigatorPlatform: 'Linux x86_64',
    bitness: '64',
    isMobile: false,
    formFactors: ['Desktop'],
  },
  android: {
    system: 'Linux; Android 10; K',
    platform: 'Android',
    navigatorPlatform: 'Linux armv81',
    bitness: '',
    isMobile: true,
    formFactors: ['Mobile'],
  },
};

/** What browsers on a system say of it, whatever the device. */
export function platformFacts(os: OsFamily): PlatformFacts {
  return FACTS[os];
}

/** The user agent of Chrome of a version on a system. */
export function userAgentOf(os: OsFamily, version: string): string {
  const { system, isMobile } = FACTS[os];
  return reducedUserAgent(version, system, { isMobile });
}

/** The parts of a fingerprint that the version of the browser decides. */
export function versionedParts(
  fingerprint: Pick<Fingerprint, 'os' | 'browser' | 'clientHints'>,
  version: string,
): Pick<Fingerprint, 'browser' | 'userAgent' | 'clientHints'> {
  const { os, browser, clientHints } = fingerprint;
  return {
    browser: { ...browser, version },
    userAgent: userAgentOf(os, version),
    clientHints: { ...clientHints, ...listBrands(version, browser.brand) },
  };
}
