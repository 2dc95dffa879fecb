/** A way to write a host that is, in the end, one a session may not reach. */
export interface HostForm {
  readonly title: string;
  /** As it stands in a URL, perhaps with user information before it. */
  readonly host: string;
  /** Whether a victim listens there, to show that it could be reached were it allowed. */
  readonly isListened?: boolean;
  /** What the name resolves to is the test's name server's to say. */
  readonly isName?: boolean;
}

const loopback = (title: string, host: string): HostForm => ({ title, host, isListened: true });
const elsewhere = (title: string, host: string): HostForm => ({ title, host });
const name = (title: string, host: string, isListened: boolean): HostForm => ({
  title,
  host,
  isName: true,
  ...(isListened && { isListened }),
});

/** Spellings of loopback that Chromium understands, each with a victim behind it. */
const LOOPBACK_FORMS: readonly HostForm[] = [
  loopback('dotted IPv4', '127.0.0.1'),
  loopback('decimal IPv4', '2130706433'),
  loopback('octal IPv4', '0177.0.0.1'),
  loopback('IPv4 as one octal number', '017700000001'),
  loopback('hexadecimal IPv4', '0x7f.0x0.0x0.0x1'),
  loopback('IPv4 as one hexadecimal number', '0x7f000001'),
  loopback('short IPv4', '127.1'),
  loopback('mixed IPv4', '0x7f.0.1'),
  loopback('IPv4 with padded octal parts', '0177.0000.0000.0001'),
  loopback('IPv4 with a dot at the end', '127.0.0.1.'),
  loopback('IPv4 in fullwidth digits', '１２７.０.０.１'),
  loopback('IPv4 with ideographic full stops', '127。0。0。1'),
  loopback('IPv4 in circled digits', '①②⑦.⓪.⓪.①'),
  loopback('IPv4 with escaped digits', '%31%32%37.0.0.1'),
  loopback('IPv4 with a soft hyphen in it', '127.0.0.\u00ad1'),
  loopback('IPv6', '[::1]'),
  loopback('IPv6 written out', '[0000:0000:0000:0000:0000:0000:0000:0001]'),
  loopback('IPv6 with an IPv4 end', '[::0.0.0.1]'),
  loopback('IPv4-mapped IPv6, dotted', '[::ffff:127.0.0.1]'),
  loopback('IPv4-mapped IPv6, hexadecimal', '[::ffff:7f00:1]'),
  loopback('the unspecified IPv4 address', '0.0.0.0'),
  loopback('the unspecified IPv4 address, short', '0'),
  loopback('the unspecified IPv6 address', '[::]'),
  loopback('user information that looks like a site', 'example.com@127.0.0.1'),
  loopback('user information with an escaped at sign', 'example.com%40@127.0.0.1'),
  loopback('user information with a password', 'example.com:80@127.0.0.1'),
  loopback('localhost', 'localhost'),
  loopback('localhost in other letters', 'LOCALHOST'),
  loopback('localhost with a dot at the end', 'localhost.'),
  loopback('localhost in fullwidth letters', 'ｌｏｃａｌｈｏｓｔ'),
  loopback('a name below localhost', 'anything.localhost'),
];

/** What is in no reach of a test, so that it can only be seen to be refused. */
const OTHER_FORMS: readonly HostForm[] = [
  elsewhere('a metadata service', '169.254.169.254'),
  elsewhere('a metadata service in decimal', '2852039166'),
  elsewhere('a metadata service in hexadecimal', '0xa9.0xfe.0xa9fe'),
  elsewhere('a metadata service in mapped IPv6', '[::ffff:169.254.169.254]'),
  elsewhere('a metadata service over IPv6', '[fd00:ec2::254]'),
  elsewhere('link-local IPv6', '[fe80::1]'),
  elsewhere('IPv4-compatible IPv6', '[::127.0.0.1]'),
  elsewhere('NAT64', '[64:ff9b::7f00:1]'),
  elsewhere('local NAT64', '[64:ff9b:1::7f00:1]'),
  elsewhere('6to4', '[2002:7f00:1::1]'),
  elsewhere('Teredo', '[2001:0:7f00:1::80ff:fffe]'),
  elsewhere('private IPv4 of class A', '10.0.0.1'),
  elsewhere('private IPv4 of class B', '172.16.0.1'),
  elsewhere('private IPv4 of class C', '192.168.0.1'),
  elsewhere('carrier-grade NAT', '100.64.0.1'),
  elsewhere('unique local IPv6', '[fc00::1]'),
  elsewhere('site-local IPv6', '[fec0::1]'),
  elsewhere('multicast IPv4', '224.0.0.1'),
  elsewhere('multicast IPv6', '[ff02::1]'),
  elsewhere('broadcast', '255.255.255.255'),
  elsewhere('the IPv4 address of Docker’s bridge', '172.17.0.1'),
  elsewhere('reserved IPv4', '240.0.0.1'),
];

/** Names of the test's own name server. */
const NAMES: readonly HostForm[] = [
  name('a name of 127.0.0.1', 'loopback.test', true),
  name('a name of ::1', 'loopback6.test', true),
  name('a name of ::ffff:127.0.0.1', 'mapped.test', true),
  name('a name of 0.0.0.0', 'zero.test', true),
  name('another name of a name of 127.0.0.1', 'alias.test', true),
  name('a name of a metadata service', 'metadata.test', false),
  name('a name of a private address', 'private.test', false),
  name('a name of a NAT64 address', 'nat64.test', false),
];

export const HOST_FORMS: readonly HostForm[] = [...LOOPBACK_FORMS, ...OTHER_FORMS, ...NAMES];

/** Names that the forms are about, with what they resolve to; `site` is where the attacker’s own pages are. */
export function zonesOf(
  site: string,
): Readonly<Record<string, { first: readonly string[]; later?: readonly string[]; alias?: string }>> {
  return {
    loopback: { first: ['127.0.0.1'] },
    loopback6: { first: ['::1'] },
    mapped: { first: ['::ffff:127.0.0.1'] },
    zero: { first: ['0.0.0.0'] },
    alias: { first: ['127.0.0.1'], alias: 'loopback.test' },
    metadata: { first: ['169.254.169.254'] },
    private: { first: ['10.1.2.3'] },
    nat64: { first: ['64:ff9b::7f00:1'] },
    mixed: { first: ['127.0.0.1', site] },
    rebind: { first: [site], later: ['127.0.0.1'] },
    allowed: { first: [site] },
    blocked: { first: [site] },
    // bücher.test
    'xn--bcher-kva': { first: [site] },
  };
}
