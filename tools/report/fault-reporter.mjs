import { appendFileSync } from 'node:fs';

/**
 * A vitest reporter that notes errors which no test has: its JSON report leaves them out, and a run that has some has failed whatever
 * its tests say. What ends a run (global teardowns) notes its own in the same file, FAULTS_FILE.
 */
// eslint-disable-next-line no-restricted-syntax -- vitest takes a reporter from there
export default class FaultReporter {
  onTestRunEnd(_modules, errors) {
    const file = process.env['FAULTS_FILE'];
    if (file === undefined) return;
    for (const error of errors) appendFileSync(file, `${error.message ?? error}\n`);
  }
}
