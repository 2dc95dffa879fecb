import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { isInside, parseCidrList, parseIpAddress } from './ip-address.ts';
import { DEFAULT_PORTS, includesPort, parsePortRanges } from './port-ranges.ts';

describe('a list of address ranges', () => {
  it('takes ranges and single addresses, by commas and spaces', () => {
    const ranges = parseCidrList(' 10.0.0.0/8,192.168.1.1  fd00::/8\n::1,');
    expect(ranges.map(({ family, prefix }) => [family, prefix])).toEqual([
      [4, 8],
      [4, 32],
      [6, 8],
      [6, 128],
    ]);
    expect(parseCidrList('')).toEqual([]);
  });

  it.each([
    '10.0.0.0/33',
    '10.0.0/8',
    'fd00::/129',
    'localhost',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0.0.0/-1',
    '::ffff:1.2.3.4/64',
  ])('names %s, which is none', (entry) => {
    expect(() => parseCidrList(`127.0.0.1,${entry}`)).toThrow(`"${entry}"`);
  });

  it('tells any IPv4 address as its bits say', () => {
    fc.assert(
      fc.property(
        fc.nat(0xff_ff_ff_ff),
        fc.nat(0xff_ff_ff_ff),
        fc.integer({ min: 1, max: 32 }),
        (one, other, prefix) => {
          const write = (value: number): string => [24, 16, 8, 0].map((bits) => (value >>> bits) & 255).join('.');
          const [range] = parseCidrList(`${write(one)}/${prefix}`);
          const address = parseIpAddress(write(other));
          if (range === undefined || address === undefined) throw new Error('Not parsed');
          expect(isInside(address, range)).toBe(one >>> (32 - prefix) === other >>> (32 - prefix));
        },
      ),
    );
  });

  it('reads any IPv6 address', () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const hex = parseIpAddress(text)?.value.toString(16).padStart(32, '0') ?? '';
        const full = hex.match(/.{4}/g)?.join(':') ?? '';
        expect(parseIpAddress(full)).toEqual(parseIpAddress(text));
      }),
    );
  });
});

describe('a list of ports', () => {
  it('is by default what browsers may reach', () => {
    const ranges = parsePortRanges(DEFAULT_PORTS);
    expect([80, 443, 1_024, 65_535].every((port) => includesPort(ranges, port))).toBe(true);
    expect([0, 22, 25, 81, 1_023].some((port) => includesPort(ranges, port))).toBe(false);
  });

  it.each(['0', '65536', '20-10', '80-', 'http', '1-2-3', '-1', '999999'])('names %s, which is none', (entry) => {
    expect(() => parsePortRanges(`80 ${entry}`)).toThrow(`"${entry}"`);
  });
});
