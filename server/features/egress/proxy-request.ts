import type { Destination } from './egress-rules.ts';
import { toCanonicalHost } from './host-name.ts';
import { type HeaderLine, MalformedMessage, type RequestHead } from './http-head.ts';

const HTTP_PORT = 80;
const HIGHEST_PORT = 65_535;

function toDestination(authority: string, defaultPort: number | undefined): Destination {
  const match = /^(\[[^\]]*\]|[^:@]*)(?::(\d{1,5}))?$/.exec(authority);
  const host = toCanonicalHost(match?.[1] ?? '');
  const port = match?.[2] === undefined ? defaultPort : Number(match[2]);
  if (host === undefined || port === undefined || port < 1 || port > HIGHEST_PORT) {
    throw new MalformedMessage('The target is no host and port');
  }
  return { host, port };
}

/** Where a CONNECT request wants to. @throws {MalformedMessage} */
export function toConnectTarget({ target }: RequestHead): Destination {
  return toDestination(target, undefined);
}

/** Where a request for an `http:` URL wants to, and the path with query, as it was written. @throws {MalformedMessage} */
export function toHttpTarget({ target }: RequestHead): { readonly destination: Destination; readonly path: string } {
  const match = /^http:\/\/([^/?#]+)([/?][^#]*)?$/i.exec(target);
  if (match === null) throw new MalformedMessage('The target is no http URL');
  const rest = match[2] ?? '/';
  return { destination: toDestination(match[1] ?? '', HTTP_PORT), path: rest.startsWith('/') ? rest : `/${rest}` };
}

const PROXY_CONNECTION = 'proxy-connection';
/** What a browser says to its proxy only. */
const FOR_PROXY: ReadonlySet<string> = new Set(['proxy-authorization', PROXY_CONNECTION]);

function toDirectLine({ raw, name }: HeaderLine, hasConnection: boolean): readonly string[] {
  // Chromium writes it in the place where it writes `Connection` without a proxy.
  if (name === PROXY_CONNECTION && !hasConnection) return [`Connection${raw.slice(PROXY_CONNECTION.length)}`];
  return FOR_PROXY.has(name) ? [] : [raw];
}

/** The head as a site gets it from a browser without any proxy: every other line as it is, in its place. */
export function toDirectHead({ method, version, headers }: RequestHead, path: string): string {
  const hasConnection = headers.some(({ name }) => name === 'connection');
  const lines = headers.flatMap((line) => toDirectLine(line, hasConnection));
  return [`${method} ${path} HTTP/${version}`, ...lines, '', ''].join('\r\n');
}

/** The head for the next proxy, without its end: the proxy's credentials may follow. */
export function toAbsoluteHead({ method, target, version, headers }: RequestHead): string {
  const lines = headers.filter(({ name }) => name !== 'proxy-authorization').map(({ raw }) => raw);
  return [`${method} ${target} HTTP/${version}`, ...lines, ''].join('\r\n');
}

/** Whether somebody waits for a page to show: Chromium asks so for documents only. */
export function isNavigation({ headers }: RequestHead): boolean {
  return headers.some(({ name, value }) => name === 'upgrade-insecure-requests' && value === '1');
}
