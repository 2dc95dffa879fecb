import { availableParallelism, userInfo } from 'node:os';

import {
  type BrowserHost,
  DebuggingPorts,
  browserFolderRoot,
  findChromium,
  findXvfb,
  hasSharedMemory,
  ProcessGroups,
  readBrowserVersion,
} from './browser/index.ts';
import type { Logger } from './platform/logger/logger.ts';
import type { Settings } from './settings/load-settings.ts';

const ROOT_USER_ID = 0;
const FEWEST_LAUNCHES = 2;

/** The service cannot start on this machine; the message says what to do about it. */
export class HostError extends Error {
  override readonly name = 'HostError';
}

/** Finds out what this machine offers browsers. @throws {HostError} when there is no Chromium that runs */
export async function findBrowserHost(
  settings: Settings,
  openProxy: BrowserHost['openProxy'],
  logger: Logger,
): Promise<BrowserHost> {
  const executablePath = settings.chromiumPath ?? findChromium();
  if (executablePath === undefined) {
    throw new HostError('No Chromium was found. Install it (Debian: apt-get install chromium) or set CHROMIUM_PATH.');
  }
  const version = await readBrowserVersion(executablePath).catch((error: unknown) => {
    throw new HostError(`${executablePath} is no Chromium that runs here. Set CHROMIUM_PATH to one.`, { cause: error });
  });
  const { browserSandbox, dataDir, browserLaunchTimeoutMs: launchTimeoutMs } = settings;
  const sandbox = browserSandbox === 'auto' ? userInfo().uid !== ROOT_USER_ID : browserSandbox === 'on';
  if (!sandbox)
    logger.warn({}, 'chromium runs without its sandbox; run the service as another user than root to have it');
  const xvfbPath = settings.xvfbPath ?? findXvfb();
  if (xvfbPath === undefined) logger.warn({}, 'no Xvfb was found; sessions with a window will be refused');
  return {
    executablePath,
    version,
    sandbox,
    xvfbPath,
    foldersRoot: browserFolderRoot(dataDir),
    sharedMemory: hasSharedMemory(),
    groups: new ProcessGroups(),
    debuggingPorts: new DebuggingPorts(),
    openProxy,
    launchTimeoutMs,
  };
}

/** How many browsers to start at once: starting one keeps about a core busy. */
export function launchLimit(): number {
  return Math.max(FEWEST_LAUNCHES, availableParallelism());
}
