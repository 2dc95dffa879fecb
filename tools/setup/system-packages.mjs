import { findProgram } from './executable.mjs';
import { SetupFailure } from './failure.mjs';
import { explainMissing } from './guidance.mjs';
import { say } from './progress.mjs';
import { findRequirement } from './requirements.mjs';
import { runCommand } from './run-command.mjs';
import { installPackages } from './apt.mjs';
import { detectFamily } from './system.mjs';
import { findVersion } from './version.mjs';

const ANSWER_TIMEOUT_MS = 30_000;

/** Why set-up cannot install system packages here, or undefined if it can. */
export function whyNotInstall({ family, uid, hasApt }) {
  if (family !== 'debian' && family !== 'ubuntu') return 'Set-up installs system packages only on Debian and Ubuntu.';
  if (!hasApt) return 'Set-up cannot install it: there is no apt-get on the PATH.';
  if (uid !== 0) return 'Set-up cannot install it: that needs root.';
  return undefined;
}

async function install(missing, { family, report }) {
  const packages = missing.flatMap((requirement) => requirement.packages[family] ?? requirement.packages.debian);
  const output = await installPackages(packages, report);
  return output && ['apt-get could not install it:', ...output.map((line) => `    ${line}`)].join('\n');
}

/** Has a program answer. @returns its version if it tells, or '' @throws {SetupFailure} on one that is there but does not run */
async function verify({ name, probeArgs }, file) {
  if (!probeArgs) return '';
  const { exitCode, lines } = await runCommand(file, probeArgs, { timeoutMs: ANSWER_TIMEOUT_MS });
  if (exitCode === 0) return probeArgs[0] === '-help' ? '' : (findVersion(lines.join('\n')) ?? '');
  throw new SetupFailure(
    [`${name} is at ${file}, but does not run:`, ...lines.map((line) => `    ${line}`)].join('\n'),
  );
}

async function installMissing(missing, { family, step }) {
  const names = missing.map(({ name }) => name).join(', ');
  let output;
  await step(`System packages for ${names} (apt-get; services stay off)`, async (report) => {
    output = await install(missing, { family, report });
    return output ? 'failed' : 'installed';
  });
  return output;
}

/**
 * Finds what the requirements ask for, installing what is missing where that is possible.
 * @returns where each is, by name; undefined for an optional one that cannot be had
 * @throws {SetupFailure} once, about everything that is missing, if any of it is necessary
 */
export async function provideSystemPackages(requirements, { step }) {
  const isMissing = (requirement) => findRequirement(requirement) === undefined;
  const missing = requirements.filter(isMissing);
  if (missing.length > 0) {
    const family = detectFamily();
    const hasApt = findProgram('apt-get') !== undefined;
    const why =
      whyNotInstall({ family, uid: process.getuid?.(), hasApt }) ?? (await installMissing(missing, { family, step }));
    const left = missing.filter(isMissing);
    if (left.some(({ optional }) => !optional)) throw new SetupFailure(explainMissing(left, { family, why }));
    if (left.length > 0) say(explainMissing(left, { family, why }));
  }
  const programs = Object.fromEntries(requirements.map(({ name }) => [name, undefined]));
  const found = requirements.filter((requirement) => !isMissing(requirement));
  await step(`System programs: ${found.map(({ name }) => name).join(', ')}`, async () => {
    const answers = [];
    for (const requirement of found) {
      const file = findRequirement(requirement);
      answers.push(`${requirement.name} ${await verify(requirement, file)}`.trim());
      programs[requirement.name] = file;
    }
    return answers.join(', ');
  });
  return programs;
}
