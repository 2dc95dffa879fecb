import { describe, expect, it } from 'vitest';

import { findDomain, isInternalName, isLocalhost, toAuthority, toCanonicalHost } from './host-name.ts';

describe('a host', () => {
  it.each([
    ['Example.COM', 'example.com'],
    ['example.com.', 'example.com'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['2130706433', '127.0.0.1'],
    ['0x7f.1', '127.0.0.1'],
    ['0177.0.0.1', '127.0.0.1'],
    ['127.1', '127.0.0.1'],
    ['127.0.0.1.', '127.0.0.1'],
    ['0', '0.0.0.0'],
    ['１２７.0.0.1', '127.0.0.1'],
    ['[::1]', '::1'],
    ['::1', '::1'],
    ['[0:0:0:0:0:FFFF:7F00:1]', '::ffff:7f00:1'],
    ['ex%61mple.com', 'example.com'],
  ])('%s is %s', (text, host) => {
    expect(toCanonicalHost(text)).toBe(host);
  });

  it.each([
    '',
    '.',
    'a b',
    'a/b',
    'a?b',
    'a#b',
    'user@host',
    'host:80',
    '[::1]:80',
    '[::1',
    '256.1.1.1',
    'a\\b',
    '[fe80::1%eth0]',
  ])('%j is none', (text) => {
    expect(toCanonicalHost(text)).toBeUndefined();
  });

  it('is written with brackets before a port where it must be', () => {
    expect(toAuthority({ host: '::1', port: 443 })).toBe('[::1]:443');
    expect(toAuthority({ host: 'example.com', port: 80 })).toBe('example.com:80');
  });

  it('may mean something within a network only', () => {
    for (const host of ['printer', 'a.local', 'metadata.google.internal', 'nas.home.arpa', 'a.localhost']) {
      expect(isInternalName(host)).toBe(true);
    }
    for (const host of ['example.com', 'local.example', '10.0.0.1', '::1']) expect(isInternalName(host)).toBe(false);
    expect(['localhost', 'a.localhost', 'localhost.example', 'alocalhost'].map(isLocalhost)).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});

describe('domain rules', () => {
  it.each([
    ['example.com', 'example.com', true],
    ['www.example.com', 'example.com', true],
    ['a.b.example.com', 'Example.com.', true],
    ['badexample.com', 'example.com', false],
    ['example.com.evil.test', 'example.com', false],
    ['example.com', '*.example.com', false],
    ['www.example.com', '*.example.com', true],
    ['xn--bcher-kva.example', 'bücher.example', true],
    ['www.xn--bcher-kva.example', '*.BÜCHER.example', true],
    ['10.0.0.1', '10.0.0.1', true],
    ['10.0.0.1', '0.0.1', false],
    ['10.0.0.1', '167772161', true],
    ['::1', '[::1]', true],
    ['::1', '::1', true],
    ['example.com', 'com', true],
    ['example.com', '', false],
    ['example.com', '*.', false],
  ])('%s, rule %s: %s', (host, rule, isMatch) => {
    expect(findDomain(host, ['other.test', rule])).toBe(isMatch ? rule : undefined);
  });
});
