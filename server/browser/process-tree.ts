import { readdir, readFile } from 'node:fs/promises';

import { raceAbort } from '../lib/deadline.ts';

const POLL_MS = 5;

/** What `/proc/<pid>/stat` says of a process, as far as it matters here; see proc_pid_stat(5). */
interface ProcessStat {
  readonly state: string;
  readonly groupId: number;
}

async function listPids(): Promise<number[]> {
  const names = await readdir('/proc');
  return names.filter((name) => /^\d+$/.test(name)).map(Number);
}

async function readStat(pid: number): Promise<ProcessStat | undefined> {
  // The process may be gone by now; then it has nothing to say.
  const text = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  // The command name stands in parentheses and may itself hold any character, so count from its last one.
  const [state, , groupId] = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return state === undefined || groupId === undefined ? undefined : { state, groupId: Number(groupId) };
}

/** Process ids of a group's members that still run; zombies are dead and only wait for their parent. */
async function listGroupMembers(groupId: number): Promise<number[]> {
  const pids = await listPids();
  const stats = await Promise.all(pids.map(readStat));
  return pids.filter((_, index) => {
    const stat = stats[index];
    return stat?.groupId === groupId && stat.state !== 'Z' && stat.state !== 'X';
  });
}

/** Sends a signal to a process group. A group that is gone is what the sender wanted, so it is no error. */
export function signalGroup(groupId: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-groupId, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function groupExists(groupId: number): boolean {
  try {
    return process.kill(-groupId, 0);
  } catch {
    return false;
  }
}

/** Resolves when no process of the group runs any more. Rejects when `signal` is aborted first. */
export async function waitForGroupEnd(groupId: number, signal: AbortSignal): Promise<void> {
  // The cheap question first: it is answered for zombies too, so only a yes needs a look into /proc.
  while (groupExists(groupId) && (await listGroupMembers(groupId)).length > 0) {
    await raceAbort(new Promise((resolve) => setTimeout(resolve, POLL_MS)), signal);
  }
}

/** Resolves when none of these processes runs any more. Rejects when `signal` is aborted first. */
export async function waitForProcessesEnd(pids: readonly number[], signal: AbortSignal): Promise<void> {
  for (const pid of pids) {
    for (let stat = await readStat(pid); stat !== undefined && stat.state !== 'Z'; stat = await readStat(pid)) {
      await raceAbort(new Promise((resolve) => setTimeout(resolve, POLL_MS)), signal);
    }
  }
}

/**
 * Processes a group leader started that have left its group: for Chromium, its two crash handlers.
 *
 * They are found by the environment they inherited, among the processes younger than the leader.
 */
export async function findDetachedHelpers(leader: number, name: string, value: string): Promise<number[]> {
  const wanted = `${name}=${value}`;
  const younger = (await listPids()).filter((pid) => pid > leader);
  const found = await Promise.all(
    younger.map(async (pid) => {
      const environment = await readEnvironment(pid);
      return environment.includes(wanted) && (await readStat(pid))?.groupId !== leader ? [pid] : [];
    }),
  );
  return found.flat();
}

async function readEnvironment(pid: number): Promise<readonly string[]> {
  // Processes of other users cannot be read, and are not ours.
  const text = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
  return text.split('\0');
}

/**
 * Group ids of the processes that carry `name=value` in the environment they were started with.
 *
 * Chromium's zygote children overwrite theirs, but share the group of their browser.
 */
export async function findGroupsByEnvironment(name: string, value: string): Promise<number[]> {
  const wanted = `${name}=${value}`;
  const groups = await Promise.all(
    (await listPids()).map(async (pid) => {
      const environment = await readEnvironment(pid);
      return environment.includes(wanted) ? (await readStat(pid))?.groupId : undefined;
    }),
  );
  return [...new Set(groups.filter((each) => each !== undefined))];
}
