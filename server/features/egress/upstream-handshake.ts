import { isIP } from 'node:net';

import { ConnectionFailed } from './egress-problem.ts';
import type { Destination, Upstream } from './egress-rules.ts';
import { toAuthority } from './host-name.ts';
import { parseResponseHead, type ResponseHead } from './http-head.ts';
import { parseIpAddress } from './ip-address.ts';
import type { Peer } from './peer.ts';
import { readExactly, readHead } from './read-head.ts';

const UNAUTHORIZED = 401;
const PROXY_AUTHENTICATION_REQUIRED = 407;

/** The header line, with its end, that tells a proxy who we are; empty for one that asks for nothing. */
export function toProxyAuthorization({ username, password }: Upstream): string {
  if (username === undefined) return '';
  const credentials = Buffer.from(`${username}:${password ?? ''}`).toString('base64');
  return `Proxy-Authorization: Basic ${credentials}\r\n`;
}

/** Whether an answer is a proxy's that does not take us. Tinyproxy says 401 to wrong credentials, as if it were the site. */
export function asksForProxyCredentials({ status, headers }: ResponseHead): boolean {
  if (status === PROXY_AUTHENTICATION_REQUIRED) return true;
  return status === UNAUTHORIZED && headers.some(({ name, value }) => name === 'server' && /^tinyproxy\b/i.test(value));
}

/** The failure that an upstream does not take us. */
export function toAuthFailure({ username }: Upstream): ConnectionFailed {
  const why =
    username === undefined ? 'The upstream proxy wants credentials' : 'The upstream proxy refuses the credentials';
  return new ConnectionFailed('proxy_auth', why);
}

/**
 * Has an HTTP proxy connect to a target (RFC 9110, 9.3.6). Afterwards the connection is one to the target.
 * @throws {ConnectionFailed} when it does not
 */
export async function connectByHttp(proxy: Peer, upstream: Upstream, target: Destination): Promise<void> {
  const authority = toAuthority(target);
  await proxy.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${toProxyAuthorization(upstream)}\r\n`);
  let answer: ResponseHead;
  do {
    const head = await readHead(proxy);
    if (head === undefined) throw new ConnectionFailed('proxy_refused', 'The upstream proxy closed the connection');
    answer = parseResponseHead(head);
  } while (answer.status < 200);
  const { status } = answer;
  if (asksForProxyCredentials(answer)) throw toAuthFailure(upstream);
  if (status >= 300) throw new ConnectionFailed('proxy_refused', `The upstream proxy answered ${status}`);
}

const SOCKS_VERSION = 5;
const METHOD = { none: 0, password: 2, refused: 0xff } as const;
const PASSWORD_VERSION = 1;
const CONNECT = 1;
const ADDRESS = { ipv4: 1, name: 3, ipv6: 4 } as const;
const ADDRESS_BYTES = new Map<number, number>([
  [ADDRESS.ipv4, 4],
  [ADDRESS.ipv6, 16],
]);
const SOCKS_REPLIES = [
  '',
  'general failure',
  'not allowed by its rules',
  'network unreachable',
  'host unreachable',
  'connection refused',
  'time to live expired',
  'command not supported',
  'address type not supported',
];

function toField(text: string): Buffer {
  const bytes = Buffer.from(text);
  if (bytes.length > 255)
    throw new ConnectionFailed('proxy_refused', 'SOCKS has no room for so long a name or password');
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

function toSocksAddress({ host, port }: Destination): Buffer {
  const portBytes = Buffer.from([port >> 8, port & 0xff]);
  if (isIP(host) === 0) return Buffer.concat([Buffer.from([ADDRESS.name]), toField(host), portBytes]);
  const { family, value } = parseIpAddress(host) ?? { family: 4, value: 0n };
  const bytes = Buffer.from(value.toString(16).padStart(family === 4 ? 8 : 32, '0'), 'hex');
  return Buffer.concat([Buffer.from([family === 4 ? ADDRESS.ipv4 : ADDRESS.ipv6]), bytes, portBytes]);
}

async function greet(proxy: Peer, upstream: Upstream): Promise<void> {
  const { username, password } = upstream;
  const methods = username === undefined ? [METHOD.none] : [METHOD.none, METHOD.password];
  await proxy.write(Buffer.from([SOCKS_VERSION, methods.length, ...methods]));
  const [version, method] = await readExactly(proxy, 2);
  if (version !== SOCKS_VERSION)
    throw new ConnectionFailed('proxy_refused', 'The upstream proxy does not speak SOCKS 5');
  if (method === METHOD.none) return;
  if (method !== METHOD.password || username === undefined) throw toAuthFailure(upstream);
  await proxy.write(Buffer.concat([Buffer.from([PASSWORD_VERSION]), toField(username), toField(password ?? '')]));
  const [, outcome] = await readExactly(proxy, 2);
  if (outcome !== 0) throw toAuthFailure(upstream);
}

/**
 * Has a SOCKS 5 proxy connect to a target (RFC 1928, 1929). Afterwards the connection is one to the target.
 * @throws {ConnectionFailed} when it does not
 */
export async function connectBySocks(proxy: Peer, upstream: Upstream, target: Destination): Promise<void> {
  await greet(proxy, upstream);
  await proxy.write(Buffer.concat([Buffer.from([SOCKS_VERSION, CONNECT, 0]), toSocksAddress(target)]));
  const [version, reply = 1, , addressType = 0] = await readExactly(proxy, 4);
  if (version !== SOCKS_VERSION)
    throw new ConnectionFailed('proxy_refused', 'The upstream proxy does not speak SOCKS 5');
  if (reply !== 0) {
    throw new ConnectionFailed('proxy_refused', `The upstream proxy: ${SOCKS_REPLIES[reply] ?? `error ${reply}`}`);
  }
  const length = ADDRESS_BYTES.get(addressType) ?? (await readExactly(proxy, 1))[0] ?? 0;
  await readExactly(proxy, length + 2);
}
