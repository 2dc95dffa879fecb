import path from 'node:path';

import type { Fingerprint } from '@guise/contract';

import { type BrowserSpec, findHardwareHelper, hasLlvmpipe } from '../browser/index.ts';
import { compileIdentity, type IdentityHost, makeScriptTokens, openFontSets } from '../features/identity/index.ts';
import { findTestParentDirectory } from './test-directory.ts';
import { PLAIN_BROWSER } from './test-host.ts';

/** What this machine has for identities. The fonts, which take a second to make, are shared by all tests and stay. */
export async function findIdentityHost(): Promise<IdentityHost> {
  const { fontsDir } = await openFontSets(path.join(await findTestParentDirectory(), 'guise-test-fonts'));
  return { fontsDir, hardwareHelper: findHardwareHelper(), hasLlvmpipe: hasLlvmpipe() };
}

/** A browser that wears a fingerprint. */
export function specFor(
  fingerprint: Fingerprint,
  { headless, host }: { readonly headless: boolean; readonly host: IdentityHost },
): BrowserSpec {
  const identity = compileIdentity(fingerprint, { headless, tokens: makeScriptTokens(), host });
  return { ...PLAIN_BROWSER, headless, identity, launchArgs: ['--disable-popup-blocking'] };
}
