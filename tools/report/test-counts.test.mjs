import { describe, expect, it } from 'vitest';

import { countTests, formatCounts } from './test-counts.mjs';

const test = (status, fullName = 'a test') => ({ status, fullName });
const report = (...files) => ({
  testResults: files.map(({ status = 'passed', tests }) => ({ name: '/a.test.ts', status, assertionResults: tests })),
});

describe('counting a test run', () => {
  it('counts what passed and names what was skipped or still to do', () => {
    const tests = [test('passed'), test('skipped', 'later'), test('todo', 'some day'), test('pending', 'other')];
    const counts = countTests(report({ tests }), 0);
    expect(counts).toMatchObject({ passed: 1, failed: 0, isSuccess: true });
    expect(counts.skipped.map(({ title }) => title)).toEqual(['later', 'some day', 'other']);
    expect(formatCounts(counts)).toBe('1 passed, 0 failed, 3 skipped');
  });

  it('tells those that a tag leaves out from those that are skipped', () => {
    const tests = [test('passed'), { ...test('skipped'), tags: ['own-process'] }, test('skipped', 'later')];
    const counts = countTests(report({ tests }), 0);
    expect(counts.leftOut).toBe(1);
    expect(counts.skipped.map(({ title }) => title)).toEqual(['later']);
  });

  it('fails with a failed test', () => {
    const counts = countTests(report({ status: 'failed', tests: [test('passed'), test('failed')] }), 1);
    expect(counts).toMatchObject({ passed: 1, failed: 1, isSuccess: false });
    expect(formatCounts(counts)).toBe('1 passed, 1 failed');
  });

  it('counts a file that could not be loaded as one failure', () => {
    const counts = countTests(report({ status: 'failed', tests: [] }, { tests: [test('passed')] }), 1);
    expect(formatCounts(counts)).toBe('1 passed, 1 failed');
  });

  it('counts an error outside of any test as a failure', () => {
    const counts = countTests(report({ tests: [test('passed')] }), 1);
    expect(counts).toMatchObject({ passed: 1, failed: 1, isSuccess: false });
  });

  it('fails when vitest died without a report', () => {
    expect(countTests(undefined, 137)).toMatchObject({ passed: 0, failed: 1, isSuccess: false });
  });

  it('fails when no test was executed', () => {
    expect(countTests(report({ tests: [test('skipped')] }), 0)).toMatchObject({ failed: 0, isSuccess: false });
    expect(countTests(report(), 0).isSuccess).toBe(false);
  });
});
