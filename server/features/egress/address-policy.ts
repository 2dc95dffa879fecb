import { networkInterfaces } from 'node:os';

import { type Cidr, type IpAddress, isInside, parseCidr, parseIpAddress, toIpv4 } from './ip-address.ts';

/** What the operator decides about addresses. */
export interface EgressPolicy {
  /** Ranges that may be reached although they are refused by default. */
  readonly allow: readonly Cidr[];
  /** Ranges that may not be reached, whatever else is said. */
  readonly deny: readonly Cidr[];
  /** Ranges in which, beyond `allow`, upstream proxies may stand. */
  readonly proxyAllow: readonly Cidr[];
  /** Ports this service listens on, beside those of debugging and egress. Cheap. */
  readonly isOwnPort?: ((port: number) => boolean) | undefined;
}

/** Whom an address is dialled for: what a page asks for, or the proxy it is to be asked of. */
export type DialPurpose = 'target' | 'proxy';

interface NamedRange {
  readonly range: Cidr;
  readonly what: string;
}

function named(what: string, ...ranges: readonly string[]): NamedRange[] {
  return ranges.map((text) => {
    const range = parseCidr(text);
    if (range === undefined) throw new RangeError(text);
    return { range, what };
  });
}

/** IANA's special-purpose registries of both families, and what clouds answer machines on. */
const REFUSED: readonly NamedRange[] = [
  ...named('a metadata service', '169.254.169.254', '168.63.129.16', '100.100.100.200', '192.0.0.192', 'fd00:ec2::254'),
  ...named('unspecified', '0.0.0.0/8', '::'),
  ...named('loopback', '127.0.0.0/8', '::1'),
  ...named('private', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'),
  ...named('carrier-grade NAT', '100.64.0.0/10'),
  ...named('link-local', '169.254.0.0/16', 'fe80::/10'),
  ...named('site-local', 'fec0::/10'),
  ...named('for benchmarks', '198.18.0.0/15', '2001:2::/48'),
  ...named('for documentation', '192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24', '2001:db8::/32', '3fff::/20'),
  ...named('of protocols', '192.0.0.0/24', '192.88.99.0/24', '192.31.196.0/24', '192.52.193.0/24', '192.175.48.0/24'),
  ...named('multicast', '224.0.0.0/4', 'ff00::/8'),
  ...named('broadcast', '255.255.255.255'),
  ...named('reserved', '240.0.0.0/4'),
  ...named('IPv4-compatible', '::/96'),
  ...named('local NAT64', '64:ff9b:1::/48'),
];

const [NAT64, SIX_TO_FOUR, TEREDO, PROTOCOLS, GLOBAL_UNICAST] = named(
  '',
  '64:ff9b::/96',
  '2002::/16',
  '2001::/32',
  '2001::/23',
  '2000::/3',
).map(({ range }) => range) as [Cidr, Cidr, Cidr, Cidr, Cidr];

/** ISATAP: the last half of the address says so, and ends with an IPv4 address. */
const ISATAP_MARKS: ReadonlySet<bigint> = new Set([0x0000_5efen, 0x0200_5efen]);

/** The IPv4 addresses that packets for an IPv6 address are in the end sent to. */
function listEmbedded(address: IpAddress): readonly { readonly ipv4: IpAddress; readonly kind: string }[] {
  const { family, value } = address;
  if (family === 4) return [];
  if (isInside(address, NAT64)) return [{ ipv4: toIpv4(value), kind: 'NAT64' }];
  if (isInside(address, SIX_TO_FOUR)) return [{ ipv4: toIpv4(value >> 80n), kind: '6to4' }];
  if (isInside(address, TEREDO)) {
    return [toIpv4(value >> 64n), toIpv4(~value)].map((ipv4) => ({ ipv4, kind: 'Teredo' }));
  }
  const mark = (value >> 32n) & 0xffff_ffffn;
  return ISATAP_MARKS.has(mark) ? [{ ipv4: toIpv4(value), kind: 'ISATAP' }] : [];
}

function isAnyOf(address: IpAddress, ranges: readonly Cidr[]): boolean {
  return ranges.some((range) => isInside(address, range));
}

function findRefusedRange(address: IpAddress): string | undefined {
  const named = REFUSED.find(({ range }) => isInside(address, range));
  if (named !== undefined) return named.what;
  if (address.family === 4) return undefined;
  if (isInside(address, TEREDO) || isInside(address, NAT64)) return undefined;
  if (isInside(address, PROTOCOLS)) return 'of protocols';
  return isInside(address, GLOBAL_UNICAST) ? undefined : 'reserved';
}

function findRefusal(address: IpAddress, policy: EgressPolicy, purpose: DialPurpose): string | undefined {
  if (isAnyOf(address, policy.deny)) return 'denied by the operator';
  if (isAnyOf(address, policy.allow)) return undefined;
  if (purpose === 'proxy' && isAnyOf(address, policy.proxyAllow)) return undefined;
  const what = findRefusedRange(address);
  if (what !== undefined) return what;
  for (const { ipv4, kind } of listEmbedded(address)) {
    const embedded = findRefusal(ipv4, policy, purpose);
    if (embedded !== undefined) return `${kind} for an address that is ${embedded}`;
  }
  return undefined;
}

/** Why an address may not be dialled, in words that follow "is"; undefined if it may. Text that is no address may not. */
export function findAddressRefusal(
  address: string,
  policy: EgressPolicy,
  purpose: DialPurpose = 'target',
): string | undefined {
  const parsed = parseIpAddress(address);
  return parsed === undefined ? 'no address' : findRefusal(parsed, policy, purpose);
}

const OWN_RANGES = named('', '0.0.0.0/8', '127.0.0.0/8', '::/127').map(({ range }) => range);
/** Debugging ports and those of egress, see `DebuggingPorts` and `Egress`. */
const OWN_PORTS = { first: 28_000, last: 29_999 };

function isOwnAddress(address: IpAddress): boolean {
  if (isAnyOf(address, OWN_RANGES) || listEmbedded(address).some(({ ipv4 }) => isOwnAddress(ipv4))) return true;
  const own = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return own.some((each) => parseIpAddress(each.address)?.value === address.value);
}

/** Whether this service itself listens there: no rule of anybody lets a page in. */
export function isOwnService(address: string, port: number, policy: EgressPolicy): boolean {
  const isOwnPort = (port >= OWN_PORTS.first && port <= OWN_PORTS.last) || policy.isOwnPort?.(port) === true;
  if (!isOwnPort) return false;
  const parsed = parseIpAddress(address);
  return parsed === undefined || isOwnAddress(parsed);
}
