/** Request headers that belong to the identity. Lower case. */
const IDENTITY_HEADER = /^(?:user-agent|accept-language|sec-ch-.+|device-memory|dpr|viewport-width|width)$/;

/** Whether a request header belongs to the identity, so that a client has no say in it. */
export function isIdentityHeader(name: string): boolean {
  return IDENTITY_HEADER.test(name.toLowerCase());
}

/** The headers, as `Network.setExtraHTTPHeaders` has them, that do not belong to the identity. */
export function withoutIdentityHeaders(headers: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !isIdentityHeader(name)));
}
