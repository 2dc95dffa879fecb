import { isIP } from 'node:net';

/** An IPv4 or IPv6 address as a number. */
export interface IpAddress {
  readonly family: 4 | 6;
  readonly value: bigint;
}

/** The addresses whose first `prefix` bits are those of `base`. */
export interface Cidr extends IpAddress {
  readonly prefix: number;
}

const BITS = { 4: 32, 6: 128 } as const;
const MAPPED_PREFIX = 0xffffn;
const LOW_32_BITS = 0xffff_ffffn;

function toNumber(groups: readonly string[], { radix, bits }: { radix: 10 | 16; bits: bigint }): bigint {
  return groups.reduce((value, group) => (value << bits) | BigInt(Number.parseInt(group, radix)), 0n);
}

function toIpv6Number(text: string): bigint {
  // The URL parser writes an address in one way: hexadecimal throughout, at most one `::`.
  const canonical = new URL(`http://[${text}]/`).hostname.slice(1, -1);
  const [head = '', tail] = canonical.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0');
  return toNumber([...left, ...zeros, ...right], { radix: 16, bits: 16n });
}

/** An address written as usual, without brackets or zone; undefined for anything else. An IPv4-mapped one is the IPv4 address. */
export function parseIpAddress(text: string): IpAddress | undefined {
  const family = text.includes('%') ? 0 : isIP(text);
  if (family === 4) return { family, value: toNumber(text.split('.'), { radix: 10, bits: 8n }) };
  if (family !== 6) return undefined;
  const value = toIpv6Number(text);
  return value >> 32n === MAPPED_PREFIX ? { family: 4, value: value & LOW_32_BITS } : { family: 6, value };
}

/** The IPv4 address that these 32 bits are. */
export function toIpv4(value: bigint): IpAddress {
  return { family: 4, value: value & LOW_32_BITS };
}

/** Whether an address lies in a range. */
export function isInside(address: IpAddress, range: Cidr): boolean {
  const rest = BigInt(BITS[range.family] - range.prefix);
  return address.family === range.family && address.value >> rest === range.value >> rest;
}

function toPrefix(text: string | undefined, longest: number): number | undefined {
  if (text === undefined) return longest;
  const prefix = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
  return prefix <= longest ? prefix : undefined;
}

/** `10.0.0.0/8`, `fd00::/8`, or one address; undefined for anything else. */
export function parseCidr(text: string): Cidr | undefined {
  const [base = '', prefixText, ...more] = text.split('/');
  const address = parseIpAddress(base);
  if (address === undefined || more.length > 0) return undefined;
  const isMapped = address.family === 4 && base.includes(':');
  const prefix = toPrefix(prefixText, isMapped ? BITS[6] : BITS[address.family]);
  if (prefix === undefined) return undefined;
  if (!isMapped) return { ...address, prefix };
  return prefix < BITS[6] - BITS[4] ? undefined : { ...address, prefix: prefix - (BITS[6] - BITS[4]) };
}

/**
 * A list of ranges and addresses, separated by commas or spaces.
 * @throws {RangeError} that names the entry which is neither
 */
export function parseCidrList(text: string): readonly Cidr[] {
  return text
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .map((entry) => {
      const range = parseCidr(entry);
      if (range === undefined) throw new RangeError(`"${entry}" is no address or range such as 10.0.0.0/8 or fd00::/8`);
      return range;
    });
}
