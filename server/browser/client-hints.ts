import type { Protocol } from 'devtools-protocol';

const GREASE_CHARACTERS = [' ', '(', ':', '-', '.', '/', ')', ';', '=', '?', '_'] as const;
const GREASE_VERSIONS = ['8', '99', '24'] as const;

/** The `arch` and `bitness` client hints of the machine Chromium runs on. */
function hintArchitecture(nodeArchitecture: string): string {
  return nodeArchitecture.startsWith('arm') ? 'arm' : 'x86';
}

/**
 * The brands Chromium of a major version names: itself and one made-up brand, in an order that changes by version.
 *
 * Follows the user agent client hints specification's GREASE algorithm as Chromium computes it (wicg.github.io/
 * ua-client-hints, "create arbitrary brands").
 */
function brandsOf(version: string, fullVersion: boolean): Protocol.Emulation.UserAgentBrandVersion[] {
  const major = Number.parseInt(version, 10);
  const pick = (index: number): string => GREASE_CHARACTERS[index % GREASE_CHARACTERS.length] ?? '';
  const greaseVersion = GREASE_VERSIONS[major % GREASE_VERSIONS.length] ?? '';
  const grease = {
    brand: `Not${pick(major)}A${pick(major + 1)}Brand`,
    version: fullVersion ? `${greaseVersion}.0.0.0` : greaseVersion,
  };
  const chromium = { brand: 'Chromium', version: fullVersion ? version : String(major) };
  return major % 2 === 0 ? [grease, chromium] : [chromium, grease];
}

/** User agent of a desktop Chromium on Linux, with the version reduced to its major as browsers do. */
export function desktopUserAgent(version: string): string {
  const major = Number.parseInt(version, 10);
  return `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${major}.0.0.0 Safari/537.36`;
}

/** Client hints of a desktop Chromium on Linux: what the browser says by itself when no user agent is set. */
export function desktopClientHints(version: string, nodeArchitecture: string): Protocol.Emulation.UserAgentMetadata {
  const hints: Protocol.Emulation.UserAgentMetadata = {
    brands: brandsOf(version, false),
    fullVersionList: brandsOf(version, true),
    platform: 'Linux',
    platformVersion: '',
    architecture: hintArchitecture(nodeArchitecture),
    bitness: '64',
    model: '',
    mobile: false,
    wow64: false,
    formFactors: ['Desktop'],
  };
  // Deprecated in the protocol, but the only way to what pages still ask for as `uaFullVersion`.
  return Object.assign(hints, { fullVersion: version });
}

/** Client hints that say nothing. */
export const NO_CLIENT_HINTS: Protocol.Emulation.UserAgentMetadata = {
  brands: [],
  fullVersionList: [],
  platform: '',
  platformVersion: '',
  architecture: '',
  model: '',
  mobile: false,
};
