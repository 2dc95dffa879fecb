import { describe, expect, it } from 'vitest';

import { NO_CLIENT_HINTS } from './client-hints.ts';
import { asksBeforeSetup, mendHeaders } from './first-request.ts';

const HINTS = {
  ...{ platform: 'Windows', platformVersion: '19.0.0', architecture: 'x86', bitness: '64', model: '', mobile: false },
  brands: [
    { brand: 'Not:A-Brand', version: '8' },
    { brand: 'Odd "\\ brand', version: '156' },
  ],
  formFactors: ['Desktop', 'XR'],
  fullVersion: '156.0.1.2',
};

describe('the first request of a page without an opener', () => {
  it('has the right hints, those that it had, in the order of Chromium', () => {
    const sorted = {
      ...{ Accept: 'text/html', Referer: 'http://a/', 'Upgrade-Insecure-Requests': '1', 'User-Agent': 'agent' },
      ...{ dpr: '2', 'sec-ch-ua': '"Chromium";v="156"', 'sec-ch-ua-form-factors': '', 'sec-ch-ua-full-version': '""' },
      ...{ 'sec-ch-ua-mobile': '?1', 'sec-ch-ua-platform': '"Linux"' },
    };
    expect(mendHeaders(sorted, HINTS).map(({ name, value }) => `${name}: ${value}`)).toEqual([
      'dpr: 2',
      String.raw`sec-ch-ua: "Not:A-Brand";v="8", "Odd \"\\ brand";v="156"`,
      'sec-ch-ua-mobile: ?0',
      'sec-ch-ua-full-version: "156.0.1.2"',
      'sec-ch-ua-platform: "Windows"',
      'sec-ch-ua-form-factors: "Desktop", "XR"',
      'Upgrade-Insecure-Requests: 1',
      'User-Agent: agent',
      'Accept: text/html',
      'Referer: http://a/',
    ]);
  });

  it('says nothing where nothing is known', () => {
    expect(mendHeaders({ 'sec-ch-ua': '"Chromium";v="156"' }, NO_CLIENT_HINTS)).toEqual([
      { name: 'sec-ch-ua', value: '' },
    ]);
  });

  it('is not looked for where the page asks for it itself, or asks for nothing', () => {
    const target = { targetId: 'page', type: 'page', title: '', url: '', attached: true, canAccessOpener: false };
    expect(asksBeforeSetup(target)).toBe(true);
    expect(asksBeforeSetup({ ...target, canAccessOpener: true })).toBe(false);
    expect(asksBeforeSetup({ ...target, url: 'about:blank' })).toBe(false);
    expect(asksBeforeSetup({ ...target, type: 'iframe' })).toBe(false);
  });
});
