import { listBrands } from '../../../browser/index.ts';
import { userAgentOf, versionedParts } from '../platform-facts.ts';
import { updateBrowserVersion } from '../update-browser-version.ts';
import { compare, type CoherenceRule, demand } from './coherence-rule.ts';

function majorOf(version: string): string {
  return version.split('.')[0] ?? '';
}

/** S1: the browser is of the major version that runs. */
export const browserVersionRule: CoherenceRule = {
  id: 'S1',
  name: 'browser-version',
  why: 'What a browser can do tells its version exactly: a feature that is missing or there too early names another one.',
  find: ({ browser }, { browserVersion }) =>
    demand(majorOf(browser.version) === majorOf(browserVersion), {
      path: '/browser/version',
      message: `is ${browser.version}, while the browser that runs is ${browserVersion}`,
      repair: `update the browser version to ${browserVersion}`,
    }),
  mend: (fingerprint, { browserVersion }) => updateBrowserVersion(fingerprint, browserVersion),
};

/** S2: the user agent is what Chrome of the version says on the system, in its reduced form. */
export const userAgentRule: CoherenceRule = {
  id: 'S2',
  name: 'user-agent',
  why: 'The user agent is frozen but for system and major version, and compared with the client hints of the same request.',
  find: ({ os, browser, userAgent }) =>
    compare([{ path: '/userAgent', actual: userAgent, expected: userAgentOf(os, browser.version) }]),
  mend: (fingerprint) => ({ ...fingerprint, userAgent: userAgentOf(fingerprint.os, fingerprint.browser.version) }),
};

/** S3: the brands are those Chromium computes for the version, and the full version is that of the binary. */
export const brandsRule: CoherenceRule = {
  id: 'S3',
  name: 'brands',
  why: 'The made-up brand, its version and the order of all follow from the major version by a public algorithm.',
  find: ({ browser, clientHints }, { browserVersion }) => {
    const { brands, fullVersionList } = listBrands(browser.version, browser.brand);
    const isOfAnotherMajor = majorOf(browser.version) !== majorOf(browserVersion);
    return [
      ...compare([
        { path: '/clientHints/brands', actual: clientHints.brands, expected: brands },
        { path: '/clientHints/fullVersionList', actual: clientHints.fullVersionList, expected: fullVersionList },
      ]),
      ...demand(isOfAnotherMajor || browser.version === browserVersion, {
        path: '/browser/version',
        message: `is ${browser.version}, while the binary is ${browserVersion}`,
        repair: `update the browser version to ${browserVersion}`,
      }),
    ];
  },
  mend: (fingerprint, { browserVersion }) => ({
    ...fingerprint,
    ...versionedParts(fingerprint, browserVersion),
    userAgent: fingerprint.userAgent,
  }),
};
