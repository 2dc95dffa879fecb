import { networkInterfaces } from 'node:os';
import { describe, expect, it } from 'vitest';

import { type EgressPolicy, findAddressRefusal, isOwnService } from './address-policy.ts';
import { parseCidrList } from './ip-address.ts';

const STRICT: EgressPolicy = { allow: [], deny: [], proxyAllow: [] };

const REFUSED: readonly (readonly [address: string, what: string])[] = [
  ['0.0.0.0', 'unspecified'],
  ['0.1.2.3', 'unspecified'],
  ['127.0.0.1', 'loopback'],
  ['127.255.255.254', 'loopback'],
  ['10.0.0.0', 'private'],
  ['10.255.255.255', 'private'],
  ['172.16.0.1', 'private'],
  ['172.31.255.255', 'private'],
  ['192.168.0.1', 'private'],
  ['192.168.255.255', 'private'],
  ['100.64.0.1', 'carrier-grade NAT'],
  ['100.127.255.255', 'carrier-grade NAT'],
  ['100.100.100.200', 'a metadata service'],
  ['169.254.169.254', 'a metadata service'],
  ['168.63.129.16', 'a metadata service'],
  ['192.0.0.192', 'a metadata service'],
  ['169.254.0.1', 'link-local'],
  ['169.254.170.2', 'link-local'],
  ['198.18.0.1', 'for benchmarks'],
  ['198.19.255.255', 'for benchmarks'],
  ['192.0.2.1', 'for documentation'],
  ['198.51.100.7', 'for documentation'],
  ['203.0.113.9', 'for documentation'],
  ['192.0.0.8', 'of protocols'],
  ['192.88.99.1', 'of protocols'],
  ['224.0.0.1', 'multicast'],
  ['239.255.255.250', 'multicast'],
  ['240.0.0.1', 'reserved'],
  ['254.1.1.1', 'reserved'],
  ['255.255.255.255', 'broadcast'],
  ['::', 'unspecified'],
  ['::1', 'loopback'],
  ['0:0:0:0:0:0:0:1', 'loopback'],
  ['::ffff:127.0.0.1', 'loopback'],
  ['::ffff:7f00:1', 'loopback'],
  ['::ffff:10.1.2.3', 'private'],
  ['::ffff:169.254.169.254', 'a metadata service'],
  ['::ffff:0:7f00:1', 'reserved'],
  ['::127.0.0.1', 'IPv4-compatible'],
  ['::8.8.8.8', 'IPv4-compatible'],
  ['fc00::1', 'private'],
  ['fd12:3456::1', 'private'],
  ['fd00:ec2::254', 'a metadata service'],
  ['fe80::1', 'link-local'],
  ['febf::1', 'link-local'],
  ['fec0::1', 'site-local'],
  ['ff02::1', 'multicast'],
  ['ff0e::fb', 'multicast'],
  ['2001:db8::1', 'for documentation'],
  ['3fff::1', 'for documentation'],
  ['2001:2::1', 'for benchmarks'],
  ['2001:10::1', 'of protocols'],
  ['2001:20::1', 'of protocols'],
  ['100::1', 'reserved'],
  ['4000::1', 'reserved'],
  ['5f00::1', 'reserved'],
  ['64:ff9b::127.0.0.1', 'NAT64 for an address that is loopback'],
  ['64:ff9b::a00:1', 'NAT64 for an address that is private'],
  ['64:ff9b:1::8.8.8.8', 'local NAT64'],
  ['2002:7f00:1::', '6to4 for an address that is loopback'],
  ['2002:c0a8:101::1', '6to4 for an address that is private'],
  ['2001:0:7f00:1::f7f7:f7f7', 'Teredo for an address that is loopback'],
  ['2001:0:808:808::80ff:fffe', 'Teredo for an address that is loopback'],
  ['2a00:1450::5efe:7f00:1', 'ISATAP for an address that is loopback'],
  ['2a00:1450::200:5efe:a00:1', 'ISATAP for an address that is private'],
  ['fe80::1%eth0', 'no address'],
  ['example.com', 'no address'],
  ['2130706433', 'no address'],
  ['', 'no address'],
];

const ALLOWED = [
  '1.1.1.1',
  '8.8.8.8',
  '9.255.255.255',
  '11.0.0.0',
  '100.63.255.255',
  '100.128.0.0',
  '126.255.255.255',
  '128.0.0.1',
  '169.253.255.255',
  '172.15.255.255',
  '172.32.0.0',
  '192.167.255.255',
  '198.17.255.255',
  '198.20.0.0',
  '223.255.255.255',
  '2606:4700:4700::1111',
  '2a00:1450:4001::200e',
  '::ffff:8.8.8.8',
  '64:ff9b::8.8.8.8',
  '2002:808:808::1',
  '2001:0:808:808::f7f7:f7f7',
];

describe('the address that is dialled', () => {
  it.each(REFUSED)('%s is refused: %s', (address, what) => {
    expect(findAddressRefusal(address, STRICT)).toBe(what);
  });

  it.each(ALLOWED)('%s is allowed', (address) => {
    expect(findAddressRefusal(address, STRICT)).toBeUndefined();
  });

  it('may be allowed by the operator, in whatever way it is written', () => {
    const policy = { ...STRICT, allow: parseCidrList('127.0.0.0/8, ::ffff:10.0.0.0/104 fd00::/8') };
    for (const address of ['127.0.0.1', '::ffff:127.0.0.1', '10.9.8.7', 'fd00::1', '64:ff9b::127.0.0.1']) {
      expect(findAddressRefusal(address, policy)).toBeUndefined();
    }
    expect(findAddressRefusal('192.168.0.1', policy)).toBe('private');
    expect(findAddressRefusal('::1', policy)).toBe('loopback');
  });

  it('may be denied by the operator, who means it whatever else they allow', () => {
    const policy = { ...STRICT, allow: parseCidrList('0.0.0.0/0,::/0'), deny: parseCidrList('8.8.8.0/24,2a00::/16') };
    for (const address of ['8.8.8.8', '::ffff:8.8.8.8', '2a00::1']) {
      expect(findAddressRefusal(address, policy)).toBe('denied by the operator');
    }
    expect(findAddressRefusal('8.8.9.8', policy)).toBeUndefined();
  });

  it('may be one for proxies only', () => {
    const policy = { ...STRICT, proxyAllow: parseCidrList('10.0.0.5') };
    expect(findAddressRefusal('10.0.0.5', policy, 'proxy')).toBeUndefined();
    expect(findAddressRefusal('10.0.0.6', policy, 'proxy')).toBe('private');
    expect(findAddressRefusal('10.0.0.5', policy, 'target')).toBe('private');
  });
});

describe("the service's own ports", () => {
  const policy = { ...STRICT, isOwnPort: (port: number) => port === 8_080 };
  const own = Object.values(networkInterfaces()).flatMap((each) => (each ?? []).map(({ address }) => address));

  it.each(['127.0.0.1', '127.9.9.9', '0.0.0.0', '::1', '::', '::ffff:127.0.0.1', '64:ff9b::7f00:1', ...own])(
    'are told on %s',
    (address) => {
      for (const port of [28_000, 28_999, 29_000, 29_999, 8_080])
        expect(isOwnService(address, port, policy)).toBe(true);
      for (const port of [80, 27_999, 30_000]) expect(isOwnService(address, port, policy)).toBe(false);
    },
  );

  it('are anybody else their ports elsewhere', () => {
    expect(isOwnService('8.8.8.8', 29_000, policy)).toBe(false);
    expect(isOwnService('2606:4700::1', 8_080, policy)).toBe(false);
  });
});
