import { setTimeout as sleep } from 'node:timers/promises';

import { withoutServices } from './policy.mjs';
import { runCommand } from './run-command.mjs';

const UPDATE_TIMEOUT_MS = 3 * 60_000;
const INSTALL_TIMEOUT_MS = 15 * 60_000;
/** dpkg is given time to leave the system in order. */
const GRACE_MS = 30_000;
const BUSY_TRIES = 60;
const BUSY_PAUSE_MS = 3_000;
const OPTIONS = ['-o', 'Acquire::Retries=2', '-o', 'Acquire::http::Timeout=30', '-o', 'Acquire::https::Timeout=30'];

function aptEnvironment() {
  return { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive', NEEDRESTART_MODE: 'l', RUNLEVEL: '1' };
}

/** apt exits with 100 whatever happened; only its words tell that another apt is at work, which ends by itself. */
function isBusy({ exitCode, lines }) {
  return exitCode !== 0 && lines.some((line) => /Could not get lock|Unable to (lock|acquire)/.test(line));
}

async function runApt(args, { timeoutMs, report }) {
  const onLine = (line) => {
    if (/^(Get|Hit|Unpacking|Setting up|Processing)/.test(line)) report(line.replace(/\s*\.\.\.$/, ''));
  };
  let result;
  for (let attempt = 1; attempt <= BUSY_TRIES; attempt += 1) {
    result = await runCommand('apt-get', [...args, ...OPTIONS], {
      timeoutMs,
      graceMs: GRACE_MS,
      environment: aptEnvironment(),
      onLine,
    });
    if (!isBusy(result)) break;
    report('waiting for another apt or dpkg to end');
    await sleep(BUSY_PAUSE_MS);
  }
  return result;
}

/** Ubuntu's `chromium` is a stub that installs a snap, whose browser sees neither our folders nor our display. */
async function isRealPackage(name) {
  const { lines } = await runCommand('apt-cache', ['policy', name], {
    timeoutMs: 30_000,
    environment: aptEnvironment(),
  });
  const candidate = lines.find((line) => line.includes('Candidate:'));
  return candidate !== undefined && !/\(none\)|snap/.test(candidate);
}

/** Those of some packages that apt can install here. */
async function listRealPackages(names) {
  const verdicts = await Promise.all(names.map(isRealPackage));
  return names.filter((_, index) => verdicts[index]);
}

/**
 * Installs system packages, as root, without starting the services in them.
 * @returns undefined, or what apt had to say when it failed
 */
export async function installPackages(packages, report) {
  const update = await runApt(['update'], { timeoutMs: UPDATE_TIMEOUT_MS, report });
  const names = await listRealPackages(packages);
  if (names.length < packages.length && update.exitCode !== 0) return update.lines;
  if (names.length === 0) return undefined;
  const args = ['install', '-y', '--no-install-recommends', '-o', 'Dpkg::Options::=--force-confold', ...names];
  const install = await withoutServices(() => runApt(args, { timeoutMs: INSTALL_TIMEOUT_MS, report }));
  if (install.exitCode === 0) return undefined;
  return [...update.lines, ...install.lines, ...(install.isTimedOut ? ['(ended by set-up: it took too long)'] : [])];
}
