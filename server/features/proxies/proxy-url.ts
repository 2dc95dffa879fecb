import { isIP } from 'node:net';

import type { ProxyProtocol } from '@guise/contract';

import { invalidField } from '../../lib/app-error.ts';
import { defined } from '../../lib/defined.ts';
import type { Upstream } from '../egress/index.ts';

const DEFAULT_PORTS: Readonly<Record<ProxyProtocol, number>> = { http: 80, https: 443, socks5: 1080, socks5h: 1080 };
/** As long as SOCKS5 can say. */
const MAX_CREDENTIAL_BYTES = 255;

function isProtocol(name: string): name is ProxyProtocol {
  return Object.hasOwn(DEFAULT_PORTS, name);
}

/** The port such a proxy has unless its URL says otherwise. */
export function defaultPort(protocol: ProxyProtocol): number {
  return DEFAULT_PORTS[protocol];
}

/**
 * A host as it is dialled: lower case, international names in ASCII, IPv4 with four decimals, IPv6 without brackets. Undefined for what is
 * none.
 */
export function normalizeHost(host: string): string | undefined {
  const isIpv6 = /^\[[^\]]*\]$/.test(host) || isIP(host) === 6;
  // A port would be taken off and not be missed, and so would credentials and a path.
  if (/[\s/?#@\\%]/.test(host) || (host.includes(':') && !isIpv6)) return undefined;
  const url = URL.parse(`http://${isIP(host) === 6 ? `[${host}]` : host}/`);
  const name = url?.hostname.replace(/^\[(.*)\]$/, '$1');
  return name === '' ? undefined : name;
}

/**
 * What is wrong with credentials for a protocol, in words that say nothing of them; undefined where nothing is. HTTP parts user name and
 * password by a colon, so that the name can have none.
 */
export function findCredentialFault({
  protocol,
  username,
  password,
}: Pick<Upstream, 'protocol' | 'username' | 'password'>): string | undefined {
  if (password !== undefined && username === undefined) return 'has a password and no user name';
  const given = [username, password].filter((each) => each !== undefined);
  // eslint-disable-next-line no-control-regex -- they are what is looked for
  if (given.some((each) => /[\u0000-\u001f\u007f]/.test(each))) return 'has control characters in its credentials';
  if (given.some((each) => Buffer.byteLength(each) > MAX_CREDENTIAL_BYTES)) {
    return `has credentials of more than ${MAX_CREDENTIAL_BYTES} bytes`;
  }
  const isHttp = protocol === 'http' || protocol === 'https';
  return isHttp && username?.includes(':') === true
    ? 'has a colon in its user name, which HTTP cannot send'
    : undefined;
}

/** Undefined where it is not percent-encoded as it has to be. */
function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    // What is said of it must not repeat it.
    return undefined;
  }
}

type Refuse = (message: string) => Error;

function parseCredentials(url: URL, refuse: Refuse): Pick<Upstream, 'username' | 'password'> {
  const username = decode(url.username);
  const password = decode(url.password);
  if (username === undefined || password === undefined) throw refuse('has credentials that are not percent-encoded');
  return defined({
    username: username === '' ? undefined : username,
    password: password === '' ? undefined : password,
  });
}

/** Parses it with the scheme it has, which leaves ports and hosts as they are written. */
function parseUrl(text: string, refuse: Refuse): { readonly protocol: ProxyProtocol; readonly url: URL } {
  const [, scheme, rest = ''] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(text) ?? [];
  if (scheme === undefined) throw refuse('must be a URL such as socks5h://user:password@proxy.example:1080');
  const protocol = scheme.toLowerCase();
  if (!isProtocol(protocol)) throw refuse('must begin with http://, https://, socks5:// or socks5h://');
  if (/[\s\\]/.test(text)) throw refuse('must have no white space and no backslash');
  // Of another scheme than HTTP, so that a port that is the default one of HTTP is told from none.
  const url = URL.parse(`socks5://${rest}`);
  if (url === null) {
    throw refuse('has no valid host or port; special characters in credentials must be percent-encoded');
  }
  return { protocol, url };
}

/**
 * Reads the URL of an upstream proxy: `http`, `https`, `socks5` or `socks5h`, credentials percent-encoded, ports 80, 443 and 1080 unless
 * it says otherwise.
 *
 * @throws {AppError} VALIDATION_FAILED at `path`; says what is wrong and repeats nothing of the text
 */
export function parseProxyUrl(text: string, path = '/proxy'): Upstream {
  const refuse: Refuse = (message) => invalidField(path, message);
  const { protocol, url } = parseUrl(text, refuse);
  if (!['', '/'].includes(url.pathname) || url.search !== '' || url.hash !== '') {
    throw refuse('must end after host and port; special characters in credentials must be percent-encoded');
  }
  // Of a scheme it does not know, `URL` leaves the host percent-encoded.
  const host = normalizeHost(decode(url.hostname) ?? '');
  if (host === undefined) throw refuse('has no valid host');
  if (url.port === '0') throw refuse('has port 0, which is none');
  const upstream: Upstream = {
    protocol,
    host,
    port: url.port === '' ? defaultPort(protocol) : Number(url.port),
    ...parseCredentials(url, refuse),
  };
  const fault = findCredentialFault(upstream);
  if (fault !== undefined) throw refuse(fault);
  return upstream;
}

/** Host and port of a proxy, for people and logs: without its credentials. */
export function describeUpstream({ host, port }: Pick<Upstream, 'host' | 'port'>): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
