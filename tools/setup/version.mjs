/** The oldest Node that runs the bootstrap, and the oldest that runs the service. */
const BOOTSTRAP_NODE = '20.19.0';
export const SERVICE_NODE = '24.0.0';

/** The first dotted number of a text (`v24.21.0`, `Chromium 156.0.8078.79 built on Debian`), or undefined. */
export function findVersion(text) {
  return /\d+(?:\.\d+)+/.exec(text)?.[0];
}

/** Whether a dotted version is the minimum or newer; a missing part counts as 0. */
export function isAtLeast(version, minimum) {
  const have = version.replace(/^v/, '').split('.').map(Number);
  const want = minimum.split('.').map(Number);
  for (let index = 0; index < Math.max(have.length, want.length); index += 1) {
    const difference = (have[index] ?? 0) - (want[index] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/** @returns what to tell someone whose Node is too old for the bootstrap, or undefined if it is not. */
export function tooOldForBootstrap(version) {
  if (isAtLeast(version, BOOTSTRAP_NODE)) return undefined;
  return (
    `Guise needs Node ${BOOTSTRAP_NODE} or newer to set itself up; this is ${version}.\n` +
    'Install a current one (https://nodejs.org/en/download, or your version manager: .nvmrc names the version) and try again.'
  );
}
