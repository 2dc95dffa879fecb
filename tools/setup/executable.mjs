import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';

/** Where system administrators' programs live; an ordinary user's PATH often lacks these. */
export const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

export function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false; // Not there, or not for us: both mean that it cannot be run.
  }
}

/** The folders of a PATH, without the relative ones. */
export function pathFolders(environment) {
  return (environment.PATH ?? '').split(path.delimiter).filter((folder) => path.isAbsolute(folder));
}

/** The first program of that name on the PATH or in the system's folders, or undefined. */
export function findProgram(name, { environment = process.env, isThere = isExecutable } = {}) {
  return [...pathFolders(environment), ...SYSTEM_FOLDERS].map((folder) => path.join(folder, name)).find(isThere);
}

/** What tells one build of a file from the next without reading it; undefined if it is not there. */
export function fileIdentity(file) {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat ? `${stat.size}:${Math.trunc(stat.mtimeMs)}` : undefined;
}
