import type { Protocol } from 'devtools-protocol';

import type { CdpSession } from './cdp-connection.ts';

type ClientHints = Protocol.Emulation.UserAgentMetadata;

/** Headers of a document's request in the order Chromium sends them; whatever else there is follows. */
const HEADER_ORDER = [
  ...['device-memory', 'sec-ch-device-memory', 'dpr', 'sec-ch-dpr', 'width', 'sec-ch-width', 'viewport-width'],
  ...['sec-ch-viewport-width', 'sec-ch-viewport-height', 'rtt', 'downlink', 'ect', 'save-data', 'sec-ch-ua'],
  ...['sec-ch-ua-mobile', 'sec-ch-ua-full-version', 'sec-ch-ua-arch', 'sec-ch-ua-platform'],
  ...['sec-ch-ua-platform-version', 'sec-ch-ua-model', 'sec-ch-ua-bitness', 'sec-ch-ua-wow64'],
  ...['sec-ch-ua-full-version-list', 'sec-ch-ua-form-factors', 'sec-ch-prefers-color-scheme'],
  ...['sec-ch-prefers-reduced-motion', 'sec-ch-prefers-reduced-transparency', 'origin', 'content-type', 'dnt'],
  ...['upgrade-insecure-requests', 'user-agent', 'accept'],
];

const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
const listed = (brands: ClientHints['brands'] = []): string =>
  brands.map(({ brand, version }) => `${quoted(brand)};v=${quoted(version)}`).join(', ');
const flag = (value: boolean): string => (value ? '?1' : '?0');

/** The hints of a user agent as the headers of a request. */
function hintHeaders(hints: ClientHints): Readonly<Record<string, string>> {
  return {
    'sec-ch-ua': listed(hints.brands),
    'sec-ch-ua-mobile': flag(hints.mobile),
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- pages still ask for it
    'sec-ch-ua-full-version': quoted(hints.fullVersion ?? ''),
    'sec-ch-ua-arch': quoted(hints.architecture),
    'sec-ch-ua-platform': quoted(hints.platform),
    'sec-ch-ua-platform-version': quoted(hints.platformVersion),
    'sec-ch-ua-model': quoted(hints.model),
    'sec-ch-ua-bitness': quoted(hints.bitness ?? ''),
    'sec-ch-ua-wow64': flag(hints.wow64 ?? false),
    'sec-ch-ua-full-version-list': listed(hints.fullVersionList),
    'sec-ch-ua-form-factors': (hints.formFactors ?? []).map(quoted).join(', '),
  };
}

/** A document's headers, which the protocol gives sorted by name, with these hints and in Chromium's order. Pure. */
export function mendHeaders(
  headers: Readonly<Record<string, string>>,
  hints: ClientHints,
): Protocol.Fetch.HeaderEntry[] {
  const mended = hintHeaders(hints);
  const place = (name: string): number => {
    const index = HEADER_ORDER.indexOf(name.toLowerCase());
    return index === -1 ? HEADER_ORDER.length : index;
  };
  return Object.entries(headers)
    .map(([name, value]) => ({ name, value: mended[name.toLowerCase()] ?? value }))
    .sort((one, other) => place(one.name) - place(other.name));
}

/**
 * Whether a page asks for its first document before anybody could have set it up: one that is opened without an opener, such as by
 * `target=_blank`. The browser itself asks for that, and writes the client hints down before it halts for us; what is set
 * then only reaches the requests that follow.
 */
export function asksBeforeSetup({ type, url, canAccessOpener }: Protocol.Target.TargetInfo): boolean {
  return type === 'page' && url === '' && !canAccessOpener;
}

/** Gives the first document's request of such a page, still halted, the right client hints, and then keeps out of its way. */
export function mendFirstRequest(session: CdpSession, hints: ClientHints): void {
  const leave = (): void => void session.send('Fetch.disable').catch(() => undefined);
  const stop = session.on('Fetch.requestPaused', ({ requestId, request }) => {
    stop();
    // Were it refused, leaving would let the request go as it is.
    session
      .send('Fetch.continueRequest', { requestId, headers: mendHeaders(request.headers, hints) })
      .then(leave, leave);
  });
  void session.send('Fetch.enable', { patterns: [{ resourceType: 'Document' }] }).catch(() => undefined);
}
