import { createHash } from 'node:crypto';
import { chown, lstat, mkdir, rmdir } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

import { isFileError } from '../file-error.ts';
import { disownLockFile } from './postmaster-file.ts';
import type { ServerAccount } from './server-account.ts';

/** PostgreSQL derives the socket's name from a port, though it listens on none. */
const SOCKET_NAME = '.s.PGSQL.5432';
/** What the kernels take for the address of a unix socket, without the final zero. */
const MAX_SOCKET_PATH_BYTES = process.platform === 'darwin' ? 103 : 107;

export interface SocketDirectory {
  readonly path: string;
  /** Removes the directory where it is a temporary one. */
  remove(): Promise<void>;
}

/**
 * Makes the private directory in which the server listens: in the data directory, or, where that path is too long for a socket,
 * a temporary one, whose name follows from the data directory so that a killed service leaves one at most.
 */
export async function makeSocketDirectory(
  dataDir: string,
  account: ServerAccount | undefined,
): Promise<SocketDirectory> {
  const inside = path.join(dataDir, 'postgres-socket');
  const digest = createHash('sha256').update(dataDir).digest('hex').slice(0, 16);
  const outside = [os.tmpdir(), '/tmp'].map((parent) => path.join(parent, `guise-${digest}`));
  const directory = [inside, ...outside].find(isShortEnough) ?? inside;

  await makePrivate(directory, account);
  await disownLockFile(path.join(directory, `${SOCKET_NAME}.lock`));
  const isTemporary = directory !== inside;
  return { path: directory, remove: async () => void (isTemporary && (await removeIfEmpty(directory))) };
}

async function removeIfEmpty(directory: string): Promise<void> {
  try {
    await rmdir(directory);
  } catch (error) {
    // Not empty: somebody else's server has it.
    if (!isFileError(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST')) throw error;
  }
}

function isShortEnough(directory: string): boolean {
  return Buffer.byteLength(path.join(directory, SOCKET_NAME)) <= MAX_SOCKET_PATH_BYTES;
}

async function makePrivate(directory: string, account: ServerAccount | undefined): Promise<void> {
  try {
    await mkdir(directory, { mode: 0o700 });
  } catch (error) {
    if (!isFileError(error, 'EEXIST')) throw error;
    // In a temporary directory anybody could have made it, to read what goes through the socket.
    const found = await lstat(directory);
    const isOurs = found.uid === process.getuid?.() || found.uid === account?.uid;
    if (!found.isDirectory() || !isOurs || (found.mode & 0o077) !== 0) {
      throw new Error(`${directory} is there already and is not a private directory of this service: remove it`, {
        cause: error,
      });
    }
  }
  if (account !== undefined) await chown(directory, account.uid, account.gid);
}
