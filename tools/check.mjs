/**
 * `npm run check [-- NAME …]`: runs every static check, or those named, as many at once as there are processors.
 * The output of each comes in one piece when it ends.
 */
import { existsSync, realpathSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';

import { runMain, setUp } from './setup.mjs';
import { withExitOnSignals } from './setup/last-wishes.mjs';
import { ROOT } from './setup/paths.mjs';
import { formatSeconds } from './setup/progress.mjs';
import { runCommand } from './setup/run-command.mjs';

const TIMEOUT_MS = 10 * 60_000;
const SOURCES = ['contract', 'server', 'cloud', 'deploy', 'bench', 'test', 'tools'].filter((folder) =>
  existsSync(path.join(ROOT, folder)),
);

/** The slowest first, so that none is waited for at the end. */
const CHECKS = [
  { name: 'eslint', finds: 'questionable code', args: ['.', '--max-warnings=0'] },
  { name: 'tsc', finds: 'type errors', args: ['--noEmit'] },
  { name: 'depcruise', finds: 'imports against the architecture', args: [...SOURCES, 'vitest.config.ts'] },
  { name: 'knip', finds: 'unused files, exports and dependencies', args: [] },
  { name: 'prettier', finds: 'formatting (`npm run format` mends it)', args: ['--check', '.'] },
];

async function runCheck({ name, finds, args }, { node, environment }) {
  const startedAt = performance.now();
  const program = realpathSync(path.join(ROOT, 'node_modules/.bin', name));
  const result = await runCommand(node, [program, ...args], { cwd: ROOT, environment, timeoutMs: TIMEOUT_MS });
  const time = formatSeconds(performance.now() - startedAt);
  const isPassed = result.exitCode === 0;
  console.log(
    `${isPassed ? '✔' : '✖'} ${name}: ${finds} (${time})${result.isTimedOut ? ' ended, as it took too long' : ''}`,
  );
  if (!isPassed) console.log(result.lines.map((line) => `    ${line}`).join('\n'));
  return { name, isPassed };
}

async function runAll(checks, setup) {
  const waiting = [...checks];
  const verdicts = [];
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) verdicts.push(await runCheck(next, setup));
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return verdicts;
}

await runMain(async () => {
  const names = process.argv.slice(2);
  const unknown = names.filter((name) => !CHECKS.some((check) => check.name === name));
  if (unknown.length > 0) {
    console.error(`There is no check ${unknown.join(', ')}; there are ${CHECKS.map(({ name }) => name).join(', ')}.`);
    return 2;
  }
  const checks = names.length > 0 ? CHECKS.filter(({ name }) => names.includes(name)) : CHECKS;
  const setup = await setUp('check');
  const startedAt = performance.now();
  const verdicts = await withExitOnSignals(() => runAll(checks, setup));
  const failed = verdicts.filter(({ isPassed }) => !isPassed).map(({ name }) => name);
  const time = formatSeconds(performance.now() - startedAt);
  console.log(
    failed.length > 0 ? `Failed: ${failed.join(', ')} (${time} in all)` : `All checks passed (${time} in all)`,
  );
  return failed.length > 0 ? 1 : 0;
});
