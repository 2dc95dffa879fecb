import { availableParallelism, totalmem } from 'node:os';
import path from 'node:path';

import type { FingerprintConstraints } from '@guise/contract';

import { type BrowserHost, findHardwareHelper, hasLlvmpipe } from './browser/index.ts';
import {
  type CoherenceContext,
  compileIdentity,
  findFaults,
  generateFingerprint,
  makeScriptTokens,
  meetsConstraints,
  openFontSets,
  overrideFingerprint,
  repairFingerprint,
  updateBrowserVersion,
} from './features/identity/index.ts';
import type { IdentityRules } from './features/profiles/index.ts';
import type { Identities } from './features/sessions/index.ts';
import type { Logger } from './platform/logger/logger.ts';

const BYTES_PER_GB = 1_024 ** 3;
/** Who says nothing of place and language speaks this, in its country. */
const USUAL_LOCALE = 'en-US';
const GEOLOCATION_ACCURACY_METERS = 50;

/** Nobody who says nothing wants pages in a language that changes with each session. */
function inUsualPlace(constraints: FingerprintConstraints): FingerprintConstraints {
  const { locale, country, timezone } = constraints;
  return (locale ?? country ?? timezone) === undefined ? { ...constraints, locale: USUAL_LOCALE } : constraints;
}

/**
 * What this node's browsers can be made to appear as. What the machine lacks for it is logged once, and identities go without.
 *
 * `dataDir` gets the sets of fonts, which are made at the first start.
 */
export async function buildIdentities(
  { version: browserVersion }: BrowserHost,
  dataDir: string,
  logger: Logger,
): Promise<Identities & IdentityRules> {
  const { fontsDir, missingFiles } = await openFontSets(path.join(dataDir, 'fonts'));
  const host = { fontsDir, hardwareHelper: findHardwareHelper(), hasLlvmpipe: hasLlvmpipe() };
  if (fontsDir === undefined) logger.warn({ missingFiles }, 'fonts are missing: identities have those of this machine');
  if (!host.hasLlvmpipe) logger.warn({}, 'mesa is missing: identities have no graphics processor of their own');
  if (host.hardwareHelper === undefined)
    logger.warn({}, 'no hardware helper: identities have the memory of this machine');
  const context: CoherenceContext = {
    browserVersion,
    ...(host.hardwareHelper === undefined && {
      host: { cpuCores: availableParallelism(), memoryGb: totalmem() / BYTES_PER_GB },
    }),
  };
  return {
    generate: (constraints) => generateFingerprint(inUsualPlace(constraints), context),
    meets: meetsConstraints,
    override: (fingerprint, { geolocation, ...changes }) =>
      overrideFingerprint(fingerprint, {
        ...changes,
        geolocation: geolocation && { mode: 'allow', accuracy: GEOLOCATION_ACCURACY_METERS, ...geolocation },
      }),
    findFaults: (fingerprint) => findFaults(fingerprint, context),
    repair: (fingerprint) => repairFingerprint(fingerprint, context),
    updateBrowserVersion: (fingerprint) => updateBrowserVersion(fingerprint, browserVersion),
    compile: (fingerprint, { headless }) =>
      compileIdentity(fingerprint, { headless, tokens: makeScriptTokens(), host }),
  };
}
