import { isIP } from 'node:net';

/**
 * A host as Chromium understands it: lower case, names in punycode, IPv4 in decimal however it was written, IPv6 without
 * brackets, no dot at the end. undefined for what is no host.
 */
export function toCanonicalHost(text: string): string | undefined {
  const bracketed = isIP(text) === 6 ? `[${text}]` : text;
  // Nothing that would be another part of a URL.
  if (!/^(?:\[[^\]]+\]|[^\s/?#@\\:[\]]+)$/.test(bracketed)) return undefined;
  const hostname = URL.parse(`http://${bracketed}/`)?.hostname ?? '';
  const host = hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  return host === '' || host.startsWith('.') ? undefined : host;
}

/** `host:port` as URLs write it. */
export function toAuthority({ host, port }: { readonly host: string; readonly port: number }): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether a name means this machine wherever it is asked for (RFC 6761). */
export function isLocalhost(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost');
}

/** Whether a name can only mean something within a network: nothing that a proxy elsewhere is to be asked for. */
export function isInternalName(host: string): boolean {
  return isIP(host) === 0 && (!host.includes('.') || /\.(?:local|internal|home\.arpa|localhost)$/.test(host));
}

function matches(host: string, pattern: string): boolean {
  const isOnlyBelow = pattern.startsWith('*.');
  const domain = toCanonicalHost(isOnlyBelow ? pattern.slice(2) : pattern);
  if (domain === undefined) return false;
  if (host === domain) return !isOnlyBelow;
  return isIP(host) === 0 && isIP(domain) === 0 && host.endsWith(`.${domain}`);
}

/** The first of some domains that a canonical host is one of: itself or below it; for `*.example.com` only below. */
export function findDomain(host: string, patterns: readonly string[]): string | undefined {
  return patterns.find((pattern) => matches(host, pattern));
}
