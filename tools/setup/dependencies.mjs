import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { SetupFailure } from './failure.mjs';
import { findProgram, pathFolders } from './executable.mjs';
import { runCommand } from './run-command.mjs';

const INSTALL_TIMEOUT_MS = 10 * 60_000;
const ATTEMPTS = 2;
const KINDS = ['dependencies', 'devDependencies', 'optionalDependencies'];

function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}

function readManifests(root) {
  const manifest = readJson(path.join(root, 'package.json'));
  const folders = ['', ...(manifest.workspaces ?? [])];
  return folders.map((folder) => {
    const file = path.join(root, folder, 'package.json');
    return { folder, file, manifest: readJson(file) };
  });
}

/** A hash of everything that decides what belongs into node_modules. */
export function hashInstallInputs(root) {
  const hash = createHash('sha256');
  for (const file of [path.join(root, 'package-lock.json'), ...readManifests(root).map(({ file }) => file)]) {
    hash.update(readFileSync(file)).update('\0');
  }
  return hash.digest('hex');
}

/**
 * Where each dependency that a package.json asks for by name is, relative to the root. The few files whose absence tells, at
 * every start, that node_modules was tampered with.
 */
export function listDirectDependencies(root) {
  return readManifests(root).flatMap(({ folder, manifest }) =>
    ['dependencies', 'devDependencies'].flatMap((kind) =>
      Object.keys(manifest[kind] ?? {}).map((name) => {
        const places = [folder, ''].map((place) => path.join(place, 'node_modules', name, 'package.json'));
        return places.find((place) => existsSync(path.join(root, place))) ?? places[1];
      }),
    ),
  );
}

function sameNames(left = {}, right = {}) {
  const names = Object.keys(left);
  return names.length === Object.keys(right).length && names.every((name) => left[name] === right[name]);
}

/**
 * Whether an installed tree is what a lock asks for: the manifests are those that were locked, every installed package is the
 * locked one, and what is not installed is optional (another platform's).
 * @param lock package-lock.json
 * @param installed npm's own record of what it installed
 * @param manifests by workspace folder, '' for the root
 */
export function isTreeLocked({ lock, installed, manifests }) {
  const isManifestLocked = ([folder, manifest]) =>
    KINDS.every((kind) => sameNames(manifest[kind], lock.packages[folder]?.[kind]));
  const isPackageInstalled = ([place, wanted]) => {
    if (!place.includes('node_modules/')) return true;
    const found = installed.packages[place];
    if (!found) return Boolean(wanted.optional || wanted.devOptional || wanted.peer);
    return found.version === wanted.version && found.integrity === wanted.integrity;
  };
  return Object.entries(manifests).every(isManifestLocked) && Object.entries(lock.packages).every(isPackageInstalled);
}

/** Whether node_modules holds what the lock asks for, package by package: so an install made by hand is not made again. */
export function isInstalled(root) {
  const record = path.join(root, 'node_modules/.package-lock.json');
  if (!existsSync(record)) return false;
  const installed = readJson(record);
  const manifests = Object.fromEntries(readManifests(root).map(({ folder, manifest }) => [folder, manifest]));
  return (
    isTreeLocked({ lock: readJson(path.join(root, 'package-lock.json')), installed, manifests }) &&
    Object.keys(installed.packages).every((place) => existsSync(path.join(root, place, 'package.json')))
  );
}

/**
 * The environment in which to run npm: without the programs of node_modules, which npm is about to replace (its own `node`
 * among them), and without what an outer `npm start` said about itself.
 */
export function npmEnvironment(environment) {
  const folders = pathFolders(environment).filter((folder) => !/[\\/]node_modules[\\/]/.test(`${folder}/`));
  const kept = Object.entries(environment).filter(([name]) => !/^npm_(lifecycle|package|command|execpath)/.test(name));
  return { ...Object.fromEntries(kept), PATH: folders.join(path.delimiter) };
}

/** npm's words without its progress and without its opinion on engines: we bring the Node that runs these packages. */
export function withoutNoise(lines) {
  return lines.filter((line) => !/^npm http |^npm warn (EBADENGINE|Unknown )/i.test(line));
}

function installFailure({ exitCode, lines, isTimedOut }) {
  const how = isTimedOut
    ? `did not end within ${INSTALL_TIMEOUT_MS / 60_000} minutes`
    : `failed with exit code ${exitCode}`;
  const output = withoutNoise(lines).map((line) => `    ${line}`);
  return new SetupFailure(
    [
      `\`npm ci\` ${how}:`,
      ...output,
      'Is the package registry reachable (`npm ping`)? Then try again, or run `npm ci` by hand.',
    ].join('\n'),
  );
}

/** Installs what the lock asks for. A hung install is ended and tried once more. @throws {SetupFailure} */
export async function installDependencies(root, report) {
  const environment = npmEnvironment(process.env);
  const npm = findProgram('npm', { environment });
  if (!npm) throw new SetupFailure('npm is not on the PATH. It comes with Node: https://nodejs.org/en/download');
  const args = [
    'ci',
    '--include=dev',
    '--include=optional',
    '--no-audit',
    '--no-fund',
    '--prefer-offline',
    '--loglevel=http',
  ];
  let result;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    let fetched = 0;
    const onLine = (line) => {
      if (!line.startsWith('npm http fetch')) return;
      fetched += 1;
      report(`${fetched} answers from the registry or the cache`);
    };
    result = await runCommand(npm, args, { cwd: root, environment, timeoutMs: INSTALL_TIMEOUT_MS, onLine });
    if (!result.isTimedOut) break;
    if (attempt < ATTEMPTS) report('npm hung; trying once more');
  }
  if (result.exitCode !== 0) throw installFailure(result);
  return withoutNoise(result.lines).find((line) => line.startsWith('added ')) ?? 'installed';
}
