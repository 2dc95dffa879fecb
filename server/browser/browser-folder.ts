import { lstat, mkdir, readdir, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { createHash, randomBytes } from 'node:crypto';

import { findGroupsByEnvironment, signalGroup, waitForGroupEnd } from './process-tree.ts';

/** Environment variable on every process a browser is made of; its value is the root of all browser folders. */
export const FOLDER_ROOT_VARIABLE = 'GUISE_BROWSERS_DIR';

/** Environment variable on the processes of one browser; its value is the browser's own folder. */
export const FOLDER_VARIABLE = 'GUISE_BROWSER_DIR';

/**
 * Chromium puts a socket called `.org.chromium.Chromium.XXXXXX/SingletonSocket` below its temporary directory, and
 * the path of a UNIX socket is limited to 107 bytes (unix(7)). What is left is the room for our root.
 */
const MAX_ROOT_LENGTH = 107 - '/12345678/tmp/org.chromium.Chromium.XXXXXX/SingletonSocket'.length - 1;

/** How long a left-behind process may take to end by itself. Milliseconds. */
const ASKING_GRACE_MS = 2_000;

/** Names of browser folders: nothing else in the root is ours to remove. */
const FOLDER_NAME = /^[0-9a-f]{8}$/;

/** Everything one browser writes: its user-data directory, its home, its temporary files. */
export interface BrowserFolder {
  readonly path: string;
  readonly userDataDir: string;
  readonly temporaryDir: string;
  readonly downloadsDir: string;
}

/** Folder below which browsers live: in the data directory, or a short one of its own where that path is too long. */
export function browserFolderRoot(dataDir: string): string {
  const preferred = path.join(dataDir, 'browsers');
  if (Buffer.byteLength(preferred) <= MAX_ROOT_LENGTH) return preferred;
  return path.join(tmpdir(), `guise-${createHash('sha256').update(dataDir).digest('hex').slice(0, 12)}`);
}

/** The folder for browsers cannot be trusted: it is not a directory, or not ours alone. */
export class FolderRootError extends Error {
  override readonly name = 'FolderRootError';
}

/**
 * Makes the root of all browser folders, or checks the one that is there: all that is in it will be removed, so it has to be a
 * directory of our own that nobody else may write to. In a temporary directory anybody can have put something at its name.
 *
 * @throws {FolderRootError}
 */
export async function openFolderRoot(root: string): Promise<void> {
  await mkdir(path.dirname(root), { recursive: true });
  await mkdir(root, { mode: 0o700 }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  });
  const found = await lstat(root);
  if (found.isDirectory() && found.uid === userInfo().uid && (found.mode & 0o077) === 0) return;
  throw new FolderRootError(`${root} must be a directory that belongs to this user alone (mode 0700). Remove it.`);
}

/** Whether a name below the root is that of a browser's folder. */
export function isFolderName(name: string): boolean {
  return FOLDER_NAME.test(name);
}

/** The parts of a browser's folder. */
export function folderAt(folder: string): BrowserFolder {
  return {
    path: folder,
    userDataDir: path.join(folder, 'profile'),
    temporaryDir: path.join(folder, 'tmp'),
    downloadsDir: path.join(folder, 'downloads'),
  };
}

/** Makes an empty folder for one browser in an opened root, readable by nobody else. The caller removes it. */
export async function createBrowserFolder(root: string): Promise<BrowserFolder> {
  const folder = folderAt(path.join(root, randomBytes(4).toString('hex')));
  // Not recursive: a name that is taken must fail, not be shared.
  await mkdir(folder.path, { mode: 0o700 });
  await Promise.all([mkdir(folder.temporaryDir), mkdir(folder.downloadsDir)]);
  return folder;
}

/** Removes a browser's folder with all it holds. */
export async function removeBrowserFolder(folder: string): Promise<void> {
  // Chromium's last children let go of their files a moment after they exit; the retries cover that moment.
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}

/** Asks first: a virtual display only removes its socket when it is asked. */
async function endGroup(group: number, signal: AbortSignal): Promise<void> {
  signalGroup(group, 'SIGTERM');
  try {
    await waitForGroupEnd(group, AbortSignal.any([signal, AbortSignal.timeout(ASKING_GRACE_MS)]));
  } catch {
    signalGroup(group, 'SIGKILL');
    await waitForGroupEnd(group, signal);
  }
}

/** What of a predecessor's is not to be removed, because it was taken over. */
export interface TakenOver {
  readonly groups: readonly number[];
  readonly folders: readonly string[];
}

/**
 * Ends every browser process and removes every folder below `root`, whoever left them there, except what was taken over.
 *
 * For the start of the service, before it has any other browser of its own: what a killed predecessor left is found by the
 * environment its processes were started with. Returns how many folders were removed.
 */
export async function removeLeftovers(root: string, kept: TakenOver, signal: AbortSignal): Promise<number> {
  const keptTags = kept.folders.map((folder) => `${FOLDER_VARIABLE}=${folder}`);
  const groups = await findGroupsByEnvironment(`${FOLDER_ROOT_VARIABLE}=${root}`, keptTags);
  await Promise.all(groups.filter((each) => !kept.groups.includes(each)).map((each) => endGroup(each, signal)));
  const names = (await readdir(root)).filter(isFolderName);
  const folders = names.map((name) => path.join(root, name)).filter((folder) => !kept.folders.includes(folder));
  await Promise.all(folders.map(removeBrowserFolder));
  return folders.length;
}
