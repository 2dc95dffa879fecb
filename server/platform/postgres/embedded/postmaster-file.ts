import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { ifPresent } from '../file-error.ts';

const PID_LINE = 0;
const STATUS_LINE = 7;

/** What a running or killed server says of itself in its data directory. */
export interface PostmasterFile {
  readonly pid: number;
  readonly isReady: boolean;
}

export async function findPostmasterFile(clusterDir: string): Promise<PostmasterFile | undefined> {
  const text = await ifPresent(readFile(postmasterFileOf(clusterDir), 'utf8'));
  const lines = text?.split('\n');
  const pid = Number.parseInt(lines?.[PID_LINE] ?? '', 10);
  if (lines === undefined || !Number.isInteger(pid)) return undefined;
  return { pid, isReady: lines[STATUS_LINE]?.trim() === 'ready' };
}

/**
 * Makes a lock file of a killed server, the data directory's or the socket's, acceptable to the next server.
 *
 * PostgreSQL refuses to start while the pid in it is alive, and that pid may be a stranger's by now. The file must stay: by its other
 * lines PostgreSQL finds out whether processes of the killed server still use the data. A pid it never takes for
 * another server's is that of its own parent, which is this process.
 */
export async function disownLockFile(file: string): Promise<void> {
  const text = await ifPresent(readFile(file, 'utf8'));
  if (text === undefined) return;
  const lines = text.split('\n');
  lines[PID_LINE] = `${process.pid}`;
  await writeFile(file, lines.join('\n'));
}

/** Where a server of that cluster keeps its pid and status. */
export function postmasterFileOf(clusterDir: string): string {
  return path.join(clusterDir, 'postmaster.pid');
}
