import { countTests } from './test-counts.mjs';

const FAILED = 'failed';

/** Tests that use real browsers, networks and several processes at once; a failure of any other says the same the second time. */
const OF_THE_WHOLE = /\.(browser|cluster)\.test\.ts$|\/test\/(acceptance|identity|egress|cluster)\/[^/]+\.test\.ts$/;

const failuresOf = ({ assertionResults }) => assertionResults.filter(({ status }) => status === FAILED);

/**
 * Files whose failures a second run may judge: few, each of whose failures is a test's that needs the whole machine. None where anything
 * else failed too, as the run has failed then.
 * @param run `report`: vitest's JSON report, or undefined if it did not live to write one; `faults`: errors that no test has
 * @param most so many tests may have failed
 * @returns {string[]}
 */
export function listFilesToRunAgain({ report, faults }, most) {
  if (faults !== '') return [];
  const failed = report?.testResults.filter(({ status }) => status === FAILED) ?? [];
  const count = failed.reduce((sum, file) => sum + failuresOf(file).length, 0);
  const areFit = failed.every((file) => OF_THE_WHOLE.test(file.name) && failuresOf(file).length > 0);
  return areFit && count > 0 && count <= most ? [...new Set(failed.map(({ name }) => name))] : [];
}

/**
 * What a test run came to of which some files were run again.
 * @param again the report and the exit code of that second run
 * @returns what `countTests` returns, and `unsteady`: tests that failed and then passed, with what the first failure said
 */
export function countWithSecondRun(report, exitCode, again) {
  const first = countTests(report, exitCode);
  const second = countTests(again.report, again.exitCode);
  if (!second.isSuccess) return { ...first, unsteady: [] };
  const passedThen = new Set(
    again.report.testResults.flatMap(({ name, assertionResults }) =>
      assertionResults.filter(({ status }) => status === 'passed').map(({ fullName }) => `${name} ${fullName}`),
    ),
  );
  const unsteady = report.testResults.flatMap((file) =>
    failuresOf(file)
      .filter(({ fullName }) => passedThen.has(`${file.name} ${fullName}`))
      .map(({ fullName, failureMessages = [] }) => ({
        file: file.name,
        title: fullName.trim(),
        message: failureMessages[0] ?? '',
      })),
  );
  const failed = first.failed - unsteady.length;
  const passed = first.passed + unsteady.length;
  return { ...first, passed, failed, isSuccess: failed === 0, unsteady };
}
