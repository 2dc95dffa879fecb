import { describe, expect, it } from 'vitest';

import { listRealms, REALM_TREE } from '../realms.ts';
import { compareRealms, listTampering, listTraces } from './compare-realms.ts';
import { mustAgree } from './realm-fields.ts';
import { sampleResult } from './sample-result.ts';

const others = listRealms(REALM_TREE).filter(({ realm }) => realm !== 'main');
const fields = Object.keys(sampleResult().reports.get('main')?.values ?? {});

describe('compareRealms', () => {
  it('has nothing against realms that agree', () => expect(compareRealms(sampleResult())).toEqual([]));

  it.each(others)('notices each value in which the $realm differs', (realm) => {
    const compared = fields.filter((field) => mustAgree(field, realm));
    expect(compared.length).toBeGreaterThan(realm.how === 'worklet' ? 2 : 20);
    for (const field of compared) {
      const found = compareRealms(sampleResult({ [realm.realm]: { [field]: 'something else' } }));
      expect(found.map((each) => [each.realm, each.field])).toEqual([[realm.realm, field]]);
    }
  });

  it('notices a value that a realm does not have', () => {
    const result = sampleResult();
    const report = result.reports.get('worker');
    const { platform: _without, ...values } = report?.values ?? {};
    const reports = new Map(result.reports).set('worker', { values, tampered: [], traces: [] });
    expect(compareRealms({ ...result, reports })).toMatchObject([{ realm: 'worker', field: 'platform' }]);
  });

  it('notices a value that cannot be read anywhere', () => {
    const broken = Object.fromEntries(listRealms(REALM_TREE).map(({ realm }) => [realm, { gl: 'error: no answer' }]));
    expect(compareRealms(sampleResult(broken))).toContainEqual(expect.objectContaining({ realm: 'main', field: 'gl' }));
  });

  it.each(['platform', 'userAgent', 'languages', 'hardwareConcurrency', 'deviceMemory', 'timezone', 'gl', 'fonts'])(
    'compares %s in every realm that is no worklet',
    (field) => expect(others.filter((realm) => realm.how !== 'worklet' && !mustAgree(field, realm))).toEqual([]),
  );
});

describe('what realms notice themselves', () => {
  it('is told with the realm', () => {
    const result = sampleResult();
    const report = { values: {}, tampered: ['a native'], traces: ['a table'] };
    const told = { ...result, reports: new Map(result.reports).set('worker', report) };
    expect(listTampering(told)).toEqual([{ realm: 'worker', field: 'native', text: 'a native' }]);
    expect(listTraces(told)).toEqual([{ realm: 'worker', field: 'debugger', text: 'a table' }]);
  });
});
