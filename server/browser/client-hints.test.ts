import { describe, expect, it } from 'vitest';

import { listBrands } from './client-hints.ts';

/** `Sec-CH-UA` of Chrome as the network of fingerprint-generator 2.1.88 has seen it. */
const SEEN = [
  '"Not_A Brand";v="8", "Chromium";v="120", "Google Chrome";v="120"',
  '"Not A(Brand";v="99", "Google Chrome";v="121", "Chromium";v="121"',
  '"Chromium";v="122", "Not(A:Brand";v="24", "Google Chrome";v="122"',
  '"Chromium";v="124", "Google Chrome";v="124", "Not-A.Brand";v="99"',
  '"Not/A)Brand";v="8", "Chromium";v="126", "Google Chrome";v="126"',
  '"Not)A;Brand";v="99", "Google Chrome";v="127", "Chromium";v="127"',
  '"Google Chrome";v="131", "Chromium";v="131", "Not_A Brand";v="24"',
  '"Google Chrome";v="135", "Not-A.Brand";v="8", "Chromium";v="135"',
  '"Google Chrome";v="141", "Not?A_Brand";v="8", "Chromium";v="141"',
  '"Google Chrome";v="147", "Not.A/Brand";v="8", "Chromium";v="147"',
  '"Chromium";v="148", "Google Chrome";v="148", "Not/A)Brand";v="99"',
  '"Google Chrome";v="149", "Chromium";v="149", "Not)A;Brand";v="24"',
];

/** As the header `Sec-CH-UA` has it. */
function headerOf(major: number, brand: 'Chromium' | 'Google Chrome'): string {
  const { brands } = listBrands(`${major}.0.1.2`, brand);
  return brands.map((each) => `"${each.brand}";v="${each.version}"`).join(', ');
}

describe('the brands of a browser', () => {
  it('are what real Chrome sends, whatever the order of its version', () => {
    const majors = SEEN.map((header) => Number(/"Google Chrome";v="(\d+)"/.exec(header)?.[1]));
    expect(new Set(majors.map((major) => major % 6)).size).toBe(6);
    expect(majors.map((major) => headerOf(major, 'Google Chrome'))).toEqual(SEEN);
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
