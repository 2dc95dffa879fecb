import { readFileSync } from 'node:fs';

/** Which family of systems an os-release file speaks of: decides which packages and which package manager there are. */
export function parseFamily(osRelease) {
  const value = (key) => new RegExp(`^${key}="?([^"\\n]*)"?$`, 'm').exec(osRelease)?.[1] ?? '';
  const ids = [value('ID'), ...value('ID_LIKE').split(' ')];
  return ['ubuntu', 'debian', 'fedora', 'arch'].find((family) => ids.includes(family));
}

/** @returns 'debian', 'ubuntu' (its Chromium is no ordinary package), 'fedora', 'arch', 'darwin', or undefined for any other */
export function detectFamily(platform = process.platform) {
  if (platform === 'darwin') return 'darwin';
  if (platform !== 'linux') return undefined;
  try {
    return parseFamily(readFileSync('/etc/os-release', 'utf8'));
  } catch {
    return undefined; // A system without the file is one that we do not know.
  }
}
