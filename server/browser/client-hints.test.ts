import { describe, expect, it } from 'vitest';

import { listBrands } from './client-hints.ts';

/** As the header `Sec-CH-UA` has it. */
function headerOf(major: number, brand: 'Chromium' | 'Google Chrome'): string {
  const { brands } = listBrands(`${major}.0.1.2`, brand);
  return brands.map((each) => `"${each.brand}";v="${each.version}"`).join(', ');
}

describe('the brands of a browser', () => {
  it('are what real Chrome of six versions in a row has sent', () => {
    expect([120, 123, 124, 125, 131, 147].map((major) => headerOf(major, 'Google Chrome'))).toEqual([
      '"Not_A Brand";v="8", "Chromium";v="120", "Google Chrome";v="120"',
      '"Google Chrome";v="123", "Not:A-Brand";v="8", "Chromium";v="123"',
      '"Chromium";v="124", "Google Chrome";v="124", "Not-A.Brand";v="99"',
      '"Google Chrome";v="125", "Chromium";v="125", "Not.A/Brand";v="24"',
      '"Google Chrome";v="131", "Chromium";v="131", "Not_A Brand";v="24"',
      '"Google Chrome";v="147", "Not.A/Brand";v="8", "Chromium";v="147"',
    ]);
  });

  it('are two for Chromium itself', () => {
    expect(headerOf(156, 'Chromium')).toBe('"Not:A-Brand";v="8", "Chromium";v="156"');
    expect(headerOf(147, 'Chromium')).toBe('"Chromium";v="147", "Not.A/Brand";v="8"');
  });

  it('have full versions in the same order', () => {
    expect(listBrands('156.0.8078.79', 'Google Chrome').fullVersionList).toEqual([
      { brand: 'Not:A-Brand', version: '8.0.0.0' },
      { brand: 'Chromium', version: '156.0.8078.79' },
      { brand: 'Google Chrome', version: '156.0.8078.79' },
    ]);
  });
});
