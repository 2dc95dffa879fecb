import type { Protocol } from 'devtools-protocol';

const GREASE_CHARACTERS = [' ', '(', ':', '-', '.', '/', ')', ';', '=', '?', '_'] as const;
const GREASE_VERSIONS = ['8', '99', '24'] as const;

/** The `arch` and `bitness` client hints of the machine Chromium runs on. */
function hintArchitecture(nodeArchitecture: string): string {
  return nodeArchitecture.startsWith('arm') ? 'arm' : 'x86';
}

/** Where the made-up brand, Chromium and the brand of the product stand; by the major version modulo their number. */
const BRAND_ORDERS = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
] as const;

interface BrandVersion {
  readonly brand: string;
  readonly version: string;
}

/** A list of brands in the order Chromium gives it. */
function inBrandOrder(major: number, [grease, chromium, product]: readonly BrandVersion[]): BrandVersion[] {
  const named = [grease, chromium, product].filter((each) => each !== undefined);
  if (named.length < 3) return major % 2 === 0 ? named : named.reverse();
  const order = BRAND_ORDERS[major % BRAND_ORDERS.length] ?? BRAND_ORDERS[0];
  return named.map((_, place) => named[order.findIndex((each) => each === place)]).filter((each) => each !== undefined);
}

/**
 * The brands a browser of a version names, with major versions (`brands`) and with full ones (`fullVersionList`).
 *
 * They are Chromium, one made-up brand and, unless the browser is Chromium itself, its own, in an order that changes by version:
 * the user agent client hints specification's GREASE algorithm as Chromium computes it (wicg.github.io/ua-client-hints,
 * "create arbitrary brands").
 */
export function listBrands(
  version: string,
  brand: 'Chromium' | 'Google Chrome',
): { brands: BrandVersion[]; fullVersionList: BrandVersion[] } {
  const major = Number.parseInt(version, 10);
  const pick = (index: number): string => GREASE_CHARACTERS[index % GREASE_CHARACTERS.length] ?? '';
  const greaseBrand = `Not${pick(major)}A${pick(major + 1)}Brand`;
  const greaseVersion = GREASE_VERSIONS[major % GREASE_VERSIONS.length] ?? '';
  const products = brand === 'Chromium' ? [brand] : ['Chromium', brand];
  const list = (greased: string, real: string): BrandVersion[] =>
    inBrandOrder(major, [
      { brand: greaseBrand, version: greased },
      ...products.map((each) => ({ brand: each, version: real })),
    ]);
  return { brands: list(greaseVersion, String(major)), fullVersionList: list(`${greaseVersion}.0.0.0`, version) };
}

/** User agent of a Chromium on a system, with the version reduced to its major as browsers do. */
export function reducedUserAgent(
  version: string,
  system: string,
  { isMobile }: { readonly isMobile: boolean },
): string {
  const product = `Chrome/${Number.parseInt(version, 10)}.0.0.0${isMobile ? ' Mobile' : ''}`;
  return `Mozilla/5.0 (${system}) AppleWebKit/537.36 (KHTML, like Gecko) ${product} Safari/537.36`;
}

/** User agent of a desktop Chromium on Linux. */
export function desktopUserAgent(version: string): string {
  return reducedUserAgent(version, 'X11; Linux x86_64', { isMobile: false });
}

/** Client hints of a desktop Chromium on Linux: what the browser says by itself when no user agent is set. */
export function desktopClientHints(version: string, nodeArchitecture: string): Protocol.Emulation.UserAgentMetadata {
  const hints: Protocol.Emulation.UserAgentMetadata = {
    ...listBrands(version, 'Chromium'),
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
