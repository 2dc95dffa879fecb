import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { listMentioning } from './process-facts.ts';

/** A temporary folder in which everything of one run lives. */
export interface Workspace extends AsyncDisposable {
  readonly path: string;
}

/**
 * Makes the folder of a run. The caller must dispose it, last of all: that removes it.
 *
 * Disposing rejects when a process still has to do with the folder, after ending that process: something that should
 * have cleaned up did not.
 */
export async function openWorkspace(): Promise<Workspace> {
  const folder = await mkdtemp(path.join(tmpdir(), 'guise-bench-'));
  // A service run as root gives its database another account, which must get through.
  await chmod(folder, 0o711);
  return {
    path: folder,
    async [Symbol.asyncDispose]() {
      const left = await listMentioning(folder);
      for (const pid of left) endProcess(pid);
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
      if (left.length > 0) throw new Error(`Left behind after the run, now ended: processes ${left.join(', ')}`);
    },
  };
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself in the meantime.
  }
}
