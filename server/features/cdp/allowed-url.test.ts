import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { whyNotOpen } from './allowed-url.ts';

const ALLOWED = [
  '',
  'http://example.com',
  'HTTPS://example.com/a?b#c',
  'http://127.0.0.1:8080/',
  'data:text/html,<h1>hi</h1>',
  'blob:https://example.com/0b1c',
  'about:blank',
  'about:blank#top',
  'about:srcdoc',
  'javascript:alert(1)',
  'chrome-extension://abcdefghijklmnopabcdefghijklmnop/page.html',
  'view-source:https://example.com',
  'VIEW-SOURCE:http://example.com',
];
const REFUSED = [
  'file:///etc/passwd',
  'FiLe:///etc/passwd',
  'file:/etc/passwd',
  'file://localhost/etc/passwd',
  'filesystem:http://example.com/temporary/a',
  'chrome://version',
  'chrome-untrusted://terminal',
  'chrome-search://local-ntp',
  'devtools://devtools/bundled/inspector.html',
  'about:version',
  'about:BLANK',
  'about:blank/../gpu',
  'view-source:file:///etc/passwd',
  'view-source: file:///etc/passwd',
  'view-source:view-source:http://example.com',
  'view-source:chrome://version',
  'view-source:',
  'chrome-extension://mhjfbmdgcfjbbpaeojofohoefgiehjai/index.html',
  'Chrome-Extension://MHJFBMDGCFJBBPAEOJOFOHOEFGIEHJAI/index.html',
  'ftp://example.com',
  'mailto:someone@example.com',
  'example.com',
  '/etc/passwd',
  'http://',
  'http://[::1',
];

describe('an address a client may open', () => {
  it.each(ALLOWED)('is %s', (address) => expect(whyNotOpen(address)).toBeUndefined());
  it.each(REFUSED)('is not %s', (address) => expect(whyNotOpen(address)).toMatch(/\w/));

  it('is no other for its case, the blanks around it and the line breaks inside of it', () => {
    const anyBlank = fc.string({
      unit: fc.constantFrom(' ', '\t', '\n', '\r', '\f', '\u0000', '\u001f'),
      maxLength: 4,
    });
    const anyBreak = fc.string({ unit: fc.constantFrom('\t', '\n', '\r'), maxLength: 2 });
    const anyForbidden = fc.constantFrom(
      'file:///etc/passwd',
      'chrome://version',
      'devtools://x/y',
      'view-source:file:///x',
    );
    fc.assert(
      fc.property(
        anyForbidden,
        anyBlank,
        fc.array(fc.tuple(anyBreak, fc.boolean()), { minLength: 1 }),
        (url, blank, noise) => {
          const spelled = Array.from(url, (character, index) => {
            const [lineBreak = '', isUpper = false] = noise[index % noise.length] ?? [];
            return lineBreak + (isUpper ? character.toUpperCase() : character);
          });
          expect(whyNotOpen(blank + spelled.join('') + blank)).toMatch(/\w/);
        },
      ),
    );
  });
});
