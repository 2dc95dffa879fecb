import { describe, expect, it } from 'vitest';

import { countWithSecondRun, listFilesToRunAgain } from './second-run.mjs';

const ACCEPTANCE = '/guise/test/acceptance/a.test.ts';
const UNIT = '/guise/server/lib/a.test.ts';

const test = (status, fullName = 'a test') => ({
  status,
  fullName,
  failureMessages: status === 'failed' ? ['why'] : [],
});
const file = (name, ...tests) => ({
  name,
  status: tests.length === 0 || tests.some(({ status }) => status === 'failed') ? 'failed' : 'passed',
  assertionResults: tests,
});
const report = (...testResults) => ({ testResults });
const run = (...testResults) => ({ report: report(...testResults), faults: '' });

describe('files that are run again', () => {
  it('are those with few failures of tests that need the whole machine', () => {
    const failed = file(ACCEPTANCE, test('passed'), test('failed'));
    expect(listFilesToRunAgain(run(failed, file(UNIT, test('passed'))), 3)).toEqual([ACCEPTANCE]);
    expect(listFilesToRunAgain(run(file('/x/y.cluster.test.ts', test('failed'))), 3)).toEqual(['/x/y.cluster.test.ts']);
  });

  it.each([
    ['nothing failed', run(file(ACCEPTANCE, test('passed')))],
    ['a test failed that always says the same', run(file(ACCEPTANCE, test('failed')), file(UNIT, test('failed')))],
    ['a file could not be loaded', run(file(ACCEPTANCE))],
    [
      'many tests failed',
      run(file(ACCEPTANCE, ...Array.from({ length: 4 }, (_, index) => test('failed', `${index}`)))),
    ],
    ['there is no report', { report: undefined, faults: '' }],
    [
      'there was an error outside of any test',
      { ...run(file(ACCEPTANCE, test('failed'))), faults: 'Sessions were left' },
    ],
  ])('are none where %s', (_why, outcome) => {
    expect(listFilesToRunAgain(outcome, 3)).toEqual([]);
  });
});

describe('a run of which files were run again', () => {
  const first = report(file(ACCEPTANCE, test('passed'), test('failed', 'unsteady one')), file(UNIT, test('passed')));

  it('has passed when they have, and names what failed before', () => {
    const again = { report: report(file(ACCEPTANCE, test('passed'), test('passed', 'unsteady one'))), exitCode: 0 };
    const counts = countWithSecondRun(first, 1, again);
    expect(counts).toMatchObject({ passed: 3, failed: 0, isSuccess: true });
    expect(counts.unsteady).toEqual([{ file: ACCEPTANCE, title: 'unsteady one', message: 'why' }]);
  });

  it('has failed when they fail again, or anything else does then', () => {
    const failing = { report: report(file(ACCEPTANCE, test('passed'), test('failed', 'unsteady one'))), exitCode: 1 };
    expect(countWithSecondRun(first, 1, failing)).toMatchObject({
      passed: 2,
      failed: 1,
      isSuccess: false,
      unsteady: [],
    });
    const other = { report: report(file(ACCEPTANCE, test('failed'), test('passed', 'unsteady one'))), exitCode: 1 };
    expect(countWithSecondRun(first, 1, other)).toMatchObject({ failed: 1, isSuccess: false });
    expect(countWithSecondRun(first, 1, { report: undefined, exitCode: 1 })).toMatchObject({ failed: 1 });
  });

  it('has failed when what failed was not run then', () => {
    const again = { report: report(file(ACCEPTANCE, test('passed'))), exitCode: 0 };
    expect(countWithSecondRun(first, 1, again)).toMatchObject({ failed: 1, isSuccess: false });
  });

  it('has failed when there was an error outside of any test', () => {
    const again = { report: report(file(ACCEPTANCE, test('passed', 'unsteady one'))), exitCode: 0 };
    const steady = report(file(ACCEPTANCE, test('passed')));
    expect(countWithSecondRun(steady, 1, again)).toMatchObject({ failed: 1, isSuccess: false });
  });
});
