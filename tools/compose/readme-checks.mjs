import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { ROOT } from '../setup/paths.mjs';
import { listCommands } from './readme-commands.mjs';

const TIMEOUT_MS = 120_000;
/** An answer that is an error is a failure here, and the command that got it is named. */
const PREAMBLE = `
set -Eeuo pipefail
trap 'echo "failed in line $LINENO: $BASH_COMMAND" >&2' ERR
curl() { command curl --fail-with-body "$@"; }
`;

function run(program, args, options) {
  return new Promise((resolve) => {
    execFile(program, args, { timeout: TIMEOUT_MS, ...options }, (error, stdout, stderr) =>
      resolve({ isDone: error === null, stdout, stderr }),
    );
  });
}

/** The text as it is written for an operator, with the address of this stack and of a site that is there. */
function localize(text, stack) {
  return text.replaceAll('http://localhost', stack.url).replaceAll('https://example.com', stack.siteUrl.slice(0, -1));
}

/** All shell blocks in one shell, in which what one has set the next can use, beside the secrets as beside the compose file. */
async function checkShell(stack, checks, blocks) {
  const script = blocks.map(({ text, line }) => `${localize(text, stack)}\necho; echo "done: ${line}"`).join('\n');
  const { stdout, stderr } = await run('bash', ['-c', `${PREAMBLE}${script}`], { cwd: stack.folder });
  for (const { line } of blocks) {
    const isDone = stdout.includes(`\ndone: ${line}\n`);
    checks.check(`the commands at line ${line} do as the guide says`, isDone, isDone ? '' : stderr.slice(-500));
    if (!isDone) return;
  }
}

async function checkScript(stack, checks, { text, line }) {
  const env = { ...process.env, GUISE: stack.url, KEY: stack.key };
  const args = ['--input-type=module', '-e', localize(text, stack)];
  const { isDone, stdout, stderr } = await run(process.execPath, args, { cwd: ROOT, env });
  const isRight = isDone && stdout.includes('Example Domain');
  checks.check(`the program at line ${line} does as the guide says`, isRight, isRight ? '' : stderr.slice(-500));
}

/** Every command of the operators' guide that needs a running stack. */
export async function checkReadme(stack, checks) {
  const commands = listCommands(readFileSync(path.join(ROOT, 'cloud/README.md'), 'utf8'));
  const blocks = commands.filter(({ needs }) => needs === 'stack');
  await checkShell(
    stack,
    checks,
    blocks.filter(({ language }) => language === 'sh'),
  );
  for (const block of blocks.filter(({ language }) => language === 'js')) await checkScript(stack, checks, block);
}
