import { readdir, readFile } from 'node:fs/promises';

import { raceAbort } from '../lib/deadline.ts';
import { SharedLook } from '../lib/shared-look.ts';

const POLL_MS = 2;

/** What `/proc/<pid>/stat` says of a process, as far as it matters here; see proc_pid_stat(5). */
interface ProcessStat {
  readonly groupId: number;
  readonly isRunning: boolean;
  /** When it began, in clock ticks after boot. */
  readonly startTicks: string;
}

async function listPids(): Promise<number[]> {
  const names = await readdir('/proc');
  return names.filter((name) => /^\d+$/.test(name)).map(Number);
}

async function readStat(pid: number): Promise<ProcessStat | undefined> {
  // The process may be gone by now; then it has nothing to say.
  const text = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  // The command name stands in parentheses and may itself hold any character, so count from its last one.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, , groupId] = fields;
  if (state === undefined || groupId === undefined) return undefined;
  const threads = Number(fields[17]);
  // A zombie is dead and only waits for its parent, but one whose other threads still run is not dead yet.
  const isRunning = (state !== 'Z' && state !== 'X') || threads > 1;
  return { groupId: Number(groupId), isRunning, startTicks: fields[19] ?? '' };
}

/** When a process that runs began, in clock ticks after boot: with its id it names one process for ever. */
export async function currentStartTicks(pid: number): Promise<string | undefined> {
  const stat = await readStat(pid);
  return stat?.isRunning === true ? stat.startTicks : undefined;
}

/** All processes of the machine. Fifty browsers that end at once would else open every file of /proc fifty times. */
const allProcesses = new SharedLook(async () => {
  const pids = await listPids();
  return Promise.all(pids.map(async (pid) => ({ pid, stat: await readStat(pid) })));
});

/** Process ids of a group's members that still run. */
async function listGroupMembers(groupId: number): Promise<number[]> {
  const all = await allProcesses.see();
  return all.filter(({ stat }) => stat?.groupId === groupId && stat.isRunning).map(({ pid }) => pid);
}

/** Process ids of a browser's group that were started as `--type=TYPE`. */
export async function listGroupMembersOfType(groupId: number, type: string): Promise<number[]> {
  const members = await listGroupMembers(groupId);
  const found = await Promise.all(
    members.map(async (pid) => {
      const text = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '');
      // Chromium's forked children join their arguments by spaces.
      return text.split(/[\0 ]/).includes(`--type=${type}`) ? [pid] : [];
    }),
  );
  return found.flat();
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

/** Resolves when none of these processes runs any more. Rejects when `signal` is aborted first. */
export async function waitForProcessesEnd(pids: readonly number[], signal: AbortSignal): Promise<void> {
  for (const pid of pids) {
    while ((await readStat(pid))?.isRunning === true) {
      await raceAbort(new Promise((resolve) => setTimeout(resolve, POLL_MS)), signal);
    }
  }
}

/** Resolves when no process of the group runs any more. Rejects when `signal` is aborted first. */
export async function waitForGroupEnd(groupId: number, signal: AbortSignal): Promise<void> {
  // The cheap question first; but zombies, too, keep a group in existence, so a yes needs a look into /proc. One look
  // names those to wait for: looking through all processes of the machine again and again is what would take time.
  while (groupExists(groupId)) {
    const members = await listGroupMembers(groupId);
    if (members.length === 0) return;
    await waitForProcessesEnd(members, signal);
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
 * Group ids of the processes that carry `wanted` (`NAME=value`) in the environment they were started with, and none of
 * `unwanted`.
 *
 * Chromium's zygote children overwrite theirs, but share the group of their browser.
 */
export async function findGroupsByEnvironment(wanted: string, unwanted: readonly string[] = []): Promise<number[]> {
  const groups = await Promise.all(
    (await listPids()).map(async (pid) => {
      const environment = await readEnvironment(pid);
      const isMeant = environment.includes(wanted) && !unwanted.some((each) => environment.includes(each));
      return isMeant ? (await readStat(pid))?.groupId : undefined;
    }),
  );
  return [...new Set(groups.filter((each) => each !== undefined))];
}
