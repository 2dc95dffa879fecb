/**
 * `npm test`: sets up what is missing, then runs every test on the pinned Node. Arguments go to vitest. The last line is
 * `N passed, N failed[, N skipped]`; a run in which no test was executed has failed.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { runTool } from './launch/run-tool.mjs';
import { countTests, formatCounts } from './report/test-counts.mjs';
import { runMain, setUp } from './setup.mjs';
import { ROOT } from './setup/paths.mjs';

const MAX_LISTED = 50;

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined; // vitest ended before it could write one; its exit code says so.
  }
}

/** Filtering by title skips the rest on purpose; any other skipped test is named, lest it be forgotten. */
function listSkipped(skipped, args) {
  if (skipped.length === 0 || args.some((arg) => /^(-t|--testNamePattern)/.test(arg))) return;
  console.log('Skipped:');
  for (const { file, title } of skipped.slice(0, MAX_LISTED)) console.log(`  ${path.relative(ROOT, file)}: ${title}`);
  if (skipped.length > MAX_LISTED) console.log(`  … and ${skipped.length - MAX_LISTED} more`);
}

await runMain(async () => {
  const args = process.argv.slice(2);
  const { node, environment } = await setUp('tests');
  const folder = mkdtempSync(path.join(tmpdir(), 'guise-test-report-'));
  try {
    const file = path.join(folder, 'report.json');
    const vitest = [
      'node_modules/vitest/vitest.mjs',
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${file}`,
    ];
    const exitCode = await runTool(node, [...vitest, ...args], environment);
    const counts = countTests(readReport(file), exitCode);
    listSkipped(counts.skipped, args);
    if (counts.leftOut > 0)
      console.log(`${counts.leftOut} that need a service of their own were not made through the gateway.`);
    if (counts.passed + counts.failed === 0) console.error('No test was executed.');
    console.log(formatCounts(counts));
    return counts.isSuccess ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
