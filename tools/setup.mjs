/**
 * Brings up what Guise needs and does not have yet: dependencies, the pinned Node, Chromium and its virtual display, and for
 * the tests the servers that they run. A second time it only looks. Plain JavaScript without dependencies, for any Node from
 * 20.19 on: nothing else is there when it runs.
 *
 *     node tools/setup.mjs [--for start|tests|check]
 */
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { installDependencies, isInstalled } from './setup/dependencies.mjs';
import { SYSTEM_FOLDERS } from './setup/executable.mjs';
import { SetupFailure } from './setup/failure.mjs';
import { compileHelper, isHelperCurrent } from './setup/hardware-helper.mjs';
import { withExitOnSignals } from './setup/last-wishes.mjs';
import { ROOT } from './setup/paths.mjs';
import { say, step } from './setup/progress.mjs';
import { findRequirement, listRequirements } from './setup/requirements.mjs';
import { chooseNode, verifyNode } from './setup/runtime.mjs';
import { acquireSetupLock } from './setup/setup-lock.mjs';
import { isInstallCurrent, isProgramCurrent, makeStamp, readStamp, writeStamp } from './setup/stamp.mjs';
import { provideSystemPackages } from './setup/system-packages.mjs';
import { tooOldForBootstrap } from './setup/version.mjs';

const PURPOSES = ['start', 'tests', 'check'];

/** What the stamp vouches for and what is still so, or undefined when there is something to do. */
function lookAround(requirements) {
  const stamp = readStamp(ROOT);
  if (!isInstallCurrent(ROOT, stamp)) return undefined;
  const programs = {};
  for (const requirement of requirements) {
    const found = findRequirement(requirement);
    if (!isProgramCurrent(stamp, requirement, found)) return undefined;
    if (found) programs[requirement.name] = found;
  }
  if (programs['C compiler'] && !isHelperCurrent(ROOT)) return undefined;
  return { node: stamp.node.file, programs };
}

async function provideDependencies() {
  if (isInstalled(ROOT)) return say('  Dependencies: node_modules is what package-lock.json asks for');
  await step('Dependencies (npm ci)', (report) => installDependencies(ROOT, report));
}

async function provideNode() {
  const { platform, arch, execPath, version } = process;
  const node = chooseNode(ROOT, { platform, arch, execPath, version });
  await step('Node for the service', async () => `Node ${await verifyNode(node)} at ${path.relative(ROOT, node)}`);
  return node;
}

async function provideHelper(compiler) {
  if (!compiler || isHelperCurrent(ROOT)) return;
  await step('Hardware helper', () => compileHelper(ROOT, compiler));
}

/** Does what is to be done, under this checkout's lock. */
async function provide(requirements) {
  const release = await acquireSetupLock(path.join(ROOT, '.guise-setup.lock'));
  try {
    const found = lookAround(requirements);
    if (found) {
      say('Set-up: done by the other one.');
      return found;
    }
    say(`Setting up Guise in ${ROOT} (Node ${process.version.slice(1)} runs the set-up)`);
    const stamp = readStamp(ROOT);
    // First what may fail for want of root, so that nobody waits for the rest in vain.
    const programs = requirements.length > 0 ? await provideSystemPackages(requirements, { step }) : {};
    await provideDependencies();
    const node = await provideNode();
    await provideHelper(programs['C compiler']);
    writeStamp(ROOT, makeStamp(ROOT, { node, programs, verifiedBefore: stamp?.programs }));
    say('Set-up: done.');
    return { node, programs };
  } finally {
    release();
  }
}

/** The environment for what runs on this set-up: our Node first, the system's servers last, and where the browser is. */
function makeEnvironment({ Chromium, Xvfb }) {
  const { PATH = '', ...rest } = process.env;
  return {
    ...rest,
    PATH: [path.join(ROOT, 'node_modules/.bin'), PATH, ...SYSTEM_FOLDERS].join(path.delimiter),
    ...(Chromium && { CHROMIUM_PATH: Chromium }),
    ...(Xvfb && { XVFB_PATH: Xvfb }),
  };
}

/**
 * Sets up what a purpose needs.
 * @returns the Node to run on and the environment to run in
 * @throws {SetupFailure} with all that must be done by hand
 */
export async function setUp(purpose) {
  const tooOld = tooOldForBootstrap(process.version);
  if (tooOld) throw new SetupFailure(tooOld);
  const requirements = listRequirements(purpose, process.platform);
  const found = lookAround(requirements);
  if (found) say('Set-up: nothing to do.');
  const { node, programs } = found ?? (await withExitOnSignals(() => provide(requirements)));
  return { node, environment: makeEnvironment(programs) };
}

/** Runs a command's main function; a set-up that failed is explained, without a stack, and ends with exit code 1. */
export async function runMain(main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    if (!(error instanceof SetupFailure)) throw error;
    say(`\nSet-up failed.\n${error.message}`);
    process.exitCode = 1;
  }
}

async function main([option, purpose = 'start', ...more]) {
  if ((option !== undefined && option !== '--for') || !PURPOSES.includes(purpose) || more.length > 0) {
    say(`Usage: node tools/setup.mjs [--for ${PURPOSES.join('|')}]`);
    return 2;
  }
  await setUp(purpose);
  return 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await runMain(() => main(process.argv.slice(2)));
