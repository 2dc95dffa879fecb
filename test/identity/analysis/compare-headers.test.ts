import { describe, expect, it } from 'vitest';

import type { ProbeRequest } from '../probe-run.ts';
import { acceptLanguage, compareHeaderOrder, compareHeaders, listUnseenRequests } from './compare-headers.ts';
import { SAMPLE_REQUEST, sampleResult } from './sample-result.ts';

const resultOf = (...requests: ProbeRequest[]): ReturnType<typeof sampleResult> => ({ ...sampleResult(), requests });

describe('compareHeaders', () => {
  it('has nothing against headers that say what scripts do', () => expect(compareHeaders(sampleResult())).toEqual([]));

  it.each(Object.keys(SAMPLE_REQUEST.headers))('notices that %s says something else, or is missing', (name) => {
    const other = { ...SAMPLE_REQUEST, headers: { ...SAMPLE_REQUEST.headers, [name]: 'something else' } };
    expect(compareHeaders(resultOf(other))).toMatchObject([{ field: `${name} of GET document` }]);
    const missing = { ...SAMPLE_REQUEST, headers: { ...SAMPLE_REQUEST.headers, [name]: undefined } };
    expect(compareHeaders(resultOf(missing))).toMatchObject([{ field: `${name} of GET document`, text: 'is missing' }]);
  });

  it('asks for no client hints from a worker, and notices them', () => {
    const { 'user-agent': agent, 'accept-language': languages, ...hints } = SAMPLE_REQUEST.headers;
    const bare = { ...SAMPLE_REQUEST, realm: 'worker', headers: { 'user-agent': agent, 'accept-language': languages } };
    expect(compareHeaders(resultOf(bare))).toEqual([]);
    const found = compareHeaders(resultOf({ ...SAMPLE_REQUEST, realm: 'worker' }));
    expect(found).toHaveLength(Object.keys(hints).length);
  });
});

describe('acceptLanguage', () => {
  it.each([
    [['en-US'], 'en-US'],
    [['de-DE', 'de', 'en-US', 'en'], 'de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7'],
  ])('writes %j as Chromium does', (languages, header) => expect(acceptLanguage(languages)).toBe(header));
});

describe('listUnseenRequests', () => {
  it('names each kind that never came', () => {
    const fields = listUnseenRequests(sampleResult()).map(({ field }) => field);
    expect(fields).toContain('beacon');
    expect(fields).not.toContain('document');
  });
});

describe('compareHeaderOrder', () => {
  const swapped = { ...SAMPLE_REQUEST, headerNames: SAMPLE_REQUEST.headerNames.toReversed() };

  it('notices another order', () => {
    expect(compareHeaderOrder(resultOf(swapped), sampleResult())).toMatchObject([
      { field: 'header order of document' },
    ]);
  });
  it('minds neither hints that only one was asked for nor a setting', () => {
    const asked = ['Host', 'DNT', 'sec-ch-prefers-color-scheme', ...SAMPLE_REQUEST.headerNames];
    expect(compareHeaderOrder(resultOf({ ...SAMPLE_REQUEST, headerNames: asked }), sampleResult())).toEqual([]);
    const foreign = ['X-Driver', ...SAMPLE_REQUEST.headerNames];
    expect(compareHeaderOrder(resultOf({ ...SAMPLE_REQUEST, headerNames: foreign }), sampleResult())).toHaveLength(1);
  });
  it('does not mind where a page was come from', () => {
    const from = { ...SAMPLE_REQUEST, headerNames: ['Host', ...SAMPLE_REQUEST.headerNames, 'Referer'] };
    expect(compareHeaderOrder(resultOf(from), sampleResult())).toEqual([]);
  });
});
