import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { hashInstallInputs, listDirectDependencies } from './dependencies.mjs';
import { fileIdentity } from './executable.mjs';

/** Raised when what set-up does changes so that it must be done again. */
const FORMAT = 2;

function stampFile(root) {
  return path.join(root, 'node_modules/.guise-setup.json');
}

/**
 * What a finished set-up found: facts of this checkout on this machine, to be checked before they are believed.
 * @param options.programs where each is, by name; undefined for an optional one that could not be had
 * @param options.verifiedBefore the previous stamp's programs: those that another purpose needs are kept
 */
export function makeStamp(root, { node, programs, verifiedBefore = {} }) {
  const identify = (file) => file && { file, identity: fileIdentity(file) };
  return {
    format: FORMAT,
    root,
    platform: `${process.platform}-${process.arch}`,
    inputs: hashInstallInputs(root),
    dependencies: listDirectDependencies(root),
    node: identify(node),
    programs: {
      ...verifiedBefore,
      ...Object.fromEntries(Object.entries(programs).map(([name, file]) => [name, identify(file)])),
    },
  };
}

/** The last set-up's stamp, or undefined if there is none that can be read. */
export function readStamp(root) {
  try {
    return JSON.parse(readFileSync(stampFile(root), 'utf8'));
  } catch {
    return undefined; // No set-up yet, or one that was cut short: both are done again.
  }
}

export function writeStamp(root, stamp) {
  const aside = `${stampFile(root)}.${process.pid}`;
  writeFileSync(aside, `${JSON.stringify(stamp, null, 2)}\n`);
  renameSync(aside, stampFile(root));
}

/** Whether the dependencies and the Node that a stamp speaks of are still there, and still what is asked for. */
export function isInstallCurrent(root, stamp, { platform = process.platform, arch = process.arch } = {}) {
  return (
    stamp?.format === FORMAT &&
    stamp.root === root &&
    stamp.platform === `${platform}-${arch}` &&
    stamp.node.identity === fileIdentity(stamp.node.file) &&
    stamp.inputs === hashInstallInputs(root) &&
    stamp.dependencies.every((place) => existsSync(path.join(root, place)))
  );
}

/**
 * Whether a program is the one that was verified. An optional one that could not be had is not looked for again,
 * unless it has turned up.
 * @param found where it is now, or undefined
 */
export function isProgramCurrent(stamp, { name, optional }, found) {
  const known = stamp.programs[name];
  if (!found) return Boolean(optional) && known === undefined;
  return known?.file === found && known.identity === fileIdentity(found);
}
