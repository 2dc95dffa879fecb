import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { AppError } from '../../lib/app-error.ts';
import { describeUpstream, normalizeHost, parseProxyUrl } from './proxy-url.ts';

function failureOf(text: string): AppError {
  try {
    parseProxyUrl(text);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('It was accepted');
}

describe('the URL of a proxy', () => {
  it.each([
    ['http://proxy.example', { protocol: 'http', host: 'proxy.example', port: 80 }],
    ['HTTPS://Proxy.Example/', { protocol: 'https', host: 'proxy.example', port: 443 }],
    ['socks5://10.0.0.1', { protocol: 'socks5', host: '10.0.0.1', port: 1080 }],
    ['socks5h://proxy.example:9050', { protocol: 'socks5h', host: 'proxy.example', port: 9050 }],
    // Ports that are the default of another protocol are still said.
    ['socks5://proxy.example:80', { protocol: 'socks5', host: 'proxy.example', port: 80 }],
    ['https://proxy.example:80', { protocol: 'https', host: 'proxy.example', port: 80 }],
    ['http://[2001:DB8::1]:3128', { protocol: 'http', host: '2001:db8::1', port: 3128 }],
    ['socks5://[2001:db8:0::1]', { protocol: 'socks5', host: '2001:db8::1', port: 1080 }],
    ['http://0x7f.1:8080', { protocol: 'http', host: '127.0.0.1', port: 8080 }],
    ['http://bücher.example', { protocol: 'http', host: 'xn--bcher-kva.example', port: 80 }],
    ['http://user@proxy.example', { protocol: 'http', host: 'proxy.example', port: 80, username: 'user' }],
    [
      'socks5h://us%3Aer-country-us:p%40ss%2Fw%C3%BCrd:x@proxy.example:1',
      { protocol: 'socks5h', host: 'proxy.example', port: 1, username: 'us:er-country-us', password: 'p@ss/würd:x' },
    ],
  ])('%s is read', (text, upstream) => {
    expect(parseProxyUrl(text)).toEqual(upstream);
  });

  it.each([
    ['', 'must be a URL'],
    ['hunter2.example:8080', 'must be a URL'],
    ['ftp://user:hunter2@proxy.example', 'must begin with http://'],
    ['socks4://hunter2@proxy.example', 'must begin with http://'],
    ['http://user:hunter2/x@proxy.example', 'percent-encoded'],
    ['http://user:1234/hunter2@proxy.example', 'must end after host and port'],
    ['http://user:hunter2#@proxy.example', 'percent-encoded'],
    ['http://user:12?hunter2@proxy.example', 'must end after host and port'],
    ['http://user:hunter2@', 'no valid host'],
    ['http://user:hunter2@proxy.example:0', 'port 0'],
    ['http://user:hunter2@proxy.example:65536', 'no valid host or port'],
    ['http://user:hunter2@proxy.example:8a', 'no valid host or port'],
    ['http://user:hunter2@1.2.3.256', 'no valid host'],
    ['http://user:hunter2@proxy.example/path', 'must end after host and port'],
    ['http://user:hunter2@proxy.example?x', 'must end after host and port'],
    ['http://user:hunter2 @proxy.example', 'white space'],
    ['http://user:hunter2\n@proxy.example', 'white space'],
    ['http://user:hunter2\\@proxy.example', 'backslash'],
    ['http://user:hunter2%zz@proxy.example', 'not percent-encoded'],
    ['http://user:hunter2%0d%0a@proxy.example', 'control characters'],
    ['http://:hunter2@proxy.example', 'password and no user name'],
    ['http://us%3Aer:hunter2@proxy.example', 'colon in its user name'],
    [`socks5://user:hunter2${'x'.repeat(250)}@proxy.example`, 'more than 255 bytes'],
  ])('%j is refused, and nothing of it repeated', (text, message) => {
    const failure = failureOf(text);
    expect(failure.code).toBe('VALIDATION_FAILED');
    expect(failure.message).toContain(message);
    expect(JSON.stringify([failure.message, failure.extensions, String(failure.stack), failure.details])).not.toContain(
      'hunter2',
    );
  });

  it('gives back any credentials that were encoded for it', () => {
    const credential = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
      // eslint-disable-next-line no-control-regex -- they are refused
      .filter((text) => text.isWellFormed() && !/[\u0000-\u001f\u007f]/.test(text) && Buffer.byteLength(text) <= 255);
    fc.assert(
      fc.property(credential, credential, fc.integer({ min: 1, max: 65_535 }), (username, password, port) => {
        const url = `socks5h://${encodeURIComponent(username)}:${encodeURIComponent(password)}@proxy.example:${port}`;
        expect(parseProxyUrl(url)).toEqual({ protocol: 'socks5h', host: 'proxy.example', port, username, password });
      }),
    );
  });

  it('whatever it is, is read or refused by name, its credentials untold', () => {
    fc.assert(
      fc.property(fc.constantFrom('http', 'socks5', 'x'), fc.string(), fc.string(), (scheme, before, after) => {
        const text = `${scheme}://${before}user:hunter2${after}`;
        try {
          expect(describeUpstream(parseProxyUrl(text))).not.toContain('hunter2');
        } catch (error) {
          // Where it is a host and no password it may be told.
          if (!(error instanceof AppError)) {
            expect(URL.parse(`http://${before}user:hunter2${after}`)?.password ?? '').not.toContain('hunter2');
            return;
          }
          expect(error.message).not.toContain('hunter2');
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('a host', () => {
  it.each([
    ['Proxy.Example', 'proxy.example'],
    ['::1', '::1'],
    ['[::1]', '::1'],
    ['127.1', '127.0.0.1'],
    ['a:80', undefined],
    ['a:', undefined],
    ['[::1]:80', undefined],
    ['user@a', undefined],
    ['a/b', undefined],
    ['', undefined],
    ['a b', undefined],
    ['%61', undefined],
  ])('%j is %j', (text, host) => {
    expect(normalizeHost(text)).toBe(host);
  });

  it('is shown with its port, IPv6 in brackets', () => {
    expect(describeUpstream({ host: '::1', port: 1080 })).toBe('[::1]:1080');
    expect(describeUpstream({ host: 'proxy.example', port: 80 })).toBe('proxy.example:80');
  });
});
