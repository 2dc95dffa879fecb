import path from 'node:path';

import { isExecutable } from './executable.mjs';
import { SetupFailure } from './failure.mjs';
import { runCommand } from './run-command.mjs';
import { findVersion, isAtLeast, SERVICE_NODE } from './version.mjs';

const ANSWER_TIMEOUT_MS = 20_000;

/** The pinned Node's binary inside a checkout, on the platforms for which npm has one. */
function pinnedNodePath(root, { platform, arch }) {
  return path.join(root, 'node_modules', `node-${platform}-${arch}`, 'bin/node');
}

/**
 * The Node that runs the service: the pinned one, or where npm has none for the platform this one, if it is new enough.
 * @throws {SetupFailure}
 */
export function chooseNode(root, { platform, arch, execPath, version, isThere = isExecutable }) {
  const pinned = pinnedNodePath(root, { platform, arch });
  if (isThere(pinned)) return pinned;
  if (isAtLeast(version, SERVICE_NODE)) return execPath;
  throw new SetupFailure(
    `The service runs on Node ${SERVICE_NODE} or newer. There is no packaged one for ${platform}-${arch}, and this is ${version}.\n` +
      'Install it (https://nodejs.org/en/download, or your version manager: .nvmrc names the version) and run the command with it.',
  );
}

/** Has a Node say its version. @throws {SetupFailure} if it does not run here or is too old */
export async function verifyNode(file) {
  const { exitCode, lines } = await runCommand(file, ['--version'], { timeoutMs: ANSWER_TIMEOUT_MS });
  const version = findVersion(lines.join('\n'));
  if (exitCode === 0 && version && isAtLeast(version, SERVICE_NODE)) return version;
  throw new SetupFailure(
    `${file} does not run here: ${lines.join(' ') || `exit code ${exitCode}`}\n` +
      `(The packaged Node needs glibc.) Install Node ${SERVICE_NODE} or newer and run the command with it.`,
  );
}
