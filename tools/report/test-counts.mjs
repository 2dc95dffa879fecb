const PASSED = 'passed';
const FAILED = 'failed';

/** Every test of a vitest JSON report with its full title and its outcome: passed, failed, or anything else for not run. */
function listTests(report) {
  return report.testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.map(({ status, fullName, tags = [] }) => ({ file: name, title: fullName.trim(), status, tags })),
  );
}

/** Files that failed although none of their tests did: they could not be loaded, or ended early. */
function countBrokenFiles(report) {
  return report.testResults.filter(
    ({ status, assertionResults }) => status === FAILED && assertionResults.every((test) => test.status !== FAILED),
  ).length;
}

/**
 * What a test run came to.
 * @param report vitest's JSON report, or undefined if it did not live to write one
 * @param exitCode vitest's own verdict, which also knows of errors outside of any test
 * @returns {{ passed: number, failed: number, skipped: { file: string, title: string }[], leftOut: number, isSuccess: boolean }}
 *   `leftOut`: those that a project leaves out on purpose, by a tag that says why; another project has them
 */
export function countTests(report, exitCode) {
  const tests = report ? listTests(report) : [];
  const passed = tests.filter(({ status }) => status === PASSED).length;
  const known = tests.filter(({ status }) => status === FAILED).length + (report ? countBrokenFiles(report) : 0);
  const failed = exitCode === 0 ? known : Math.max(known, 1);
  const notRun = tests.filter(({ status }) => status !== PASSED && status !== FAILED);
  const skipped = notRun.filter(({ tags }) => tags.length === 0);
  return { passed, failed, skipped, leftOut: notRun.length - skipped.length, isSuccess: failed === 0 && passed > 0 };
}

/** The closing line of a test run. */
export function formatCounts({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`;
}
