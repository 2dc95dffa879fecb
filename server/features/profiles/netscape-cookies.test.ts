import type { Cookie } from '@guise/contract';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { CookieFileError, formatNetscapeCookies, parseNetscapeCookies } from './netscape-cookies.ts';

const token = fc.stringMatching(/^[A-Za-z0-9!$%&'*+.^_`|~=-]{1,20}$/);
const cookie: fc.Arbitrary<Cookie> = fc.record({
  name: token,
  value: fc.stringMatching(/^[\x21-\x7e]{0,30}$/),
  domain: fc.tuple(fc.constantFrom('', '.'), fc.domain()).map(([dot, domain]) => `${dot}${domain}`),
  path: fc.webPath().map((path) => (path.startsWith('/') ? path : `/${path}`)),
  expires: fc.oneof(fc.constant(-1), fc.integer({ min: 1, max: 4_000_000_000 })),
  httpOnly: fc.boolean(),
  secure: fc.boolean(),
});

describe('Netscape cookie files', () => {
  it('give back every cookie that was put into one', () => {
    fc.assert(
      fc.property(fc.array(cookie, { maxLength: 20 }), (cookies) => {
        expect(parseNetscapeCookies(formatNetscapeCookies(cookies))).toEqual(cookies);
      }),
    );
  });

  it('are read as curl writes them', () => {
    const text = [
      '# Netscape HTTP Cookie File',
      '# https://curl.se/docs/http-cookies.html',
      '',
      '#HttpOnly_.example.com\tTRUE\t/\tTRUE\t1893456000\tid\tabc=1',
      'example.com\tFALSE\t/app\tFALSE\t0\tlang\tde',
      'example.com\tTRUE\t/\tfalse\t0\tempty',
      '',
    ].join('\r\n');
    expect(parseNetscapeCookies(text)).toEqual([
      {
        name: 'id',
        value: 'abc=1',
        domain: '.example.com',
        path: '/',
        expires: 1_893_456_000,
        httpOnly: true,
        secure: true,
      },
      { name: 'lang', value: 'de', domain: 'example.com', path: '/app', expires: -1, httpOnly: false, secure: false },
      { name: 'empty', value: '', domain: '.example.com', path: '/', expires: -1, httpOnly: false, secure: false },
    ]);
  });

  it.each(['example.com TRUE / FALSE 0 a b', 'example.com\tTRUE\t/\tFALSE\tsoon\ta\tb', '{"cookies":[]}'])(
    'names the line that is none: %j',
    (line) => {
      const read = (): unknown => parseNetscapeCookies(`# Netscape HTTP Cookie File\n${line}\n`);
      expect(read).toThrow(CookieFileError);
      expect(read).toThrow('Line 2');
    },
  );
});
