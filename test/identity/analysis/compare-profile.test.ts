import type { Fingerprint } from '@guise/contract';
import { describe, expect, it } from 'vitest';

import { compareProfile } from './compare-profile.ts';
import { SAMPLE_FINGERPRINT, sampleResult } from './sample-result.ts';

/** Not to be seen by a page, or not as such. */
const UNSEEN = new Set(['schema', 'seed', 'os', 'osVersion', 'browser.brand', 'webrtcPolicy']);

function listLeaves(value: unknown, path: readonly string[] = []): string[][] {
  if (value === null || typeof value !== 'object') return [[...path]];
  return Object.entries(value).flatMap(([key, each]) => listLeaves(each, [...path, key]));
}

/** Another value of the same kind. */
function other(value: unknown): unknown {
  if (typeof value === 'boolean') return !value;
  return typeof value === 'number' ? value + 1 : `other ${String(value)}`;
}

function changed<Value>(value: Value, [key = '', ...rest]: readonly string[]): Value {
  const member = (value as Record<string, unknown>)[key];
  const next = rest.length === 0 ? other(member) : changed(member, rest);
  return (Array.isArray(value) ? value.with(Number(key), next) : { ...value, [key]: next }) as Value;
}

describe('compareProfile', () => {
  it('has nothing against a browser that is what its profile says', () => {
    expect(compareProfile(sampleResult(), SAMPLE_FINGERPRINT)).toEqual([]);
  });

  const leaves = listLeaves(SAMPLE_FINGERPRINT).filter((path) => !UNSEEN.has(path.join('.')));
  it.each(leaves.map((path) => ({ name: path.join('.'), path })))('notices another $name', ({ path }) => {
    const fingerprint: Fingerprint = changed(SAMPLE_FINGERPRINT, path);
    expect(compareProfile(sampleResult(), fingerprint)).not.toEqual([]);
  });

  it('notices a family of another system', () => {
    const result = sampleResult({ main: { localFonts: ['Arial', 'Calibri', 'Consolas', 'DejaVu Sans', 'Segoe UI'] } });
    expect(compareProfile(result, SAMPLE_FINGERPRINT)).toMatchObject([{ field: 'localFonts' }]);
  });
});
