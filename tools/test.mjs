/**
 * `npm test`: sets up what is missing, then runs every test on the pinned Node. Arguments go to vitest. The last line is
 * `N passed, N failed[, N skipped]`; a run in which no test was executed has failed.
 *
 * With RERUN_FAILED=N the files of up to N failed tests that need the whole machine (browsers, networks, several services) are run once
 * more when all others have ended, and what passes then has passed; it is named, with its first failure, lest it be forgotten.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { runTool } from './launch/run-tool.mjs';
import { countWithSecondRun, listFilesToRunAgain } from './report/second-run.mjs';
import { countTests, formatCounts } from './report/test-counts.mjs';
import { runMain, setUp } from './setup.mjs';
import { ROOT } from './setup/paths.mjs';

const MAX_LISTED = 50;
/** Of a failure's message. */
const MAX_LINES = 12;

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

/** Runs vitest once. @returns its exit code, its report, or undefined where it did not live to write one, and errors that no test has */
async function runVitest({ node, environment }, args, folder) {
  const name = path.join(folder, randomUUID());
  const [file, FAULTS_FILE] = [`${name}.json`, `${name}.faults`];
  const reporters = ['default', 'json', './tools/report/fault-reporter.mjs'].map((each) => `--reporter=${each}`);
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', ...reporters, `--outputFile.json=${file}`];
  const exitCode = await runTool(node, [...vitest, ...args], { ...environment, FAULTS_FILE });
  const faults = existsSync(FAULTS_FILE) ? readFileSync(FAULTS_FILE, 'utf8') : '';
  return { exitCode, report: readReport(file), faults };
}

/** Runs again what may have failed because of what else the machine did. @returns the counts of both runs together */
async function countRuns(tools, run, folder) {
  const { exitCode, report } = run;
  const files = listFilesToRunAgain(run, Number(process.env['RERUN_FAILED'] ?? 0));
  if (files.length === 0) return { ...countTests(report, exitCode), unsteady: [] };
  const names = files.map((file) => path.relative(ROOT, file));
  console.log(`Run again: ${names.join(', ')}`);
  return countWithSecondRun(report, exitCode, await runVitest(tools, names, folder));
}

function listUnsteady(unsteady) {
  if (unsteady.length === 0) return;
  console.log('Failed, and passed when run again, which calls for a look all the same:');
  for (const { file, title, message } of unsteady) {
    console.log(
      `  ${path.relative(ROOT, file)}: ${title}\n    ${message.split('\n').slice(0, MAX_LINES).join('\n    ')}`,
    );
  }
}

await runMain(async () => {
  const args = process.argv.slice(2);
  const tools = await setUp('tests');
  const folder = mkdtempSync(path.join(tmpdir(), 'guise-test-report-'));
  try {
    const counts = await countRuns(tools, await runVitest(tools, args, folder), folder);
    listSkipped(counts.skipped, args);
    if (counts.leftOut > 0)
      console.log(`${counts.leftOut} that need a service of their own were not made through the gateway.`);
    if (counts.passed + counts.failed === 0) console.error('No test was executed.');
    listUnsteady(counts.unsteady);
    console.log(formatCounts(counts));
    return counts.isSuccess ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
