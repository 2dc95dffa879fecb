import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 1;
/** Where `num_threads`, the twentieth field, stands after the first five. */
const THREAD_COUNT_INDEX = 14;
/** Where `utime`, the fourteenth field, stands after the first two. */
const USER_TICKS_INDEX = 11;
/** Clock ticks in /proc are 10 ms (USER_HZ). */
const TICK_MS = 10;
const BYTES_PER_KIB = 1024;

/** What `/proc/<pid>/stat` says of a process, as far as it matters here; see proc_pid_stat(5). */
interface ProcessStat {
  readonly pid: number;
  readonly name: string;
  readonly state: string;
  readonly parentId: number;
  readonly groupId: number;
  readonly threadCount: number;
}

/** Memory of one or more processes. Bytes. */
export interface ProcessMemory {
  /** Pages shared between processes count in part for each of them, so that sums are right. */
  readonly proportionalBytes: number;
  readonly residentBytes: number;
}

async function listPids(): Promise<number[]> {
  const names = await readdir('/proc');
  return names.filter((name) => /^\d+$/.test(name)).map(Number);
}

async function readStat(pid: number): Promise<ProcessStat | undefined> {
  // The process may be gone by now; then it has nothing to say.
  const text = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  // The name stands in parentheses and may itself hold any character, so it ends at the last one.
  const end = text.lastIndexOf(')');
  const [state, parentId, groupId, ...others] = text.slice(end + 2).split(' ');
  if (state === undefined || parentId === undefined || groupId === undefined) return undefined;
  const name = text.slice(text.indexOf('(') + 1, end);
  const threadCount = Number(others[THREAD_COUNT_INDEX]);
  return { pid, name, state, parentId: Number(parentId), groupId: Number(groupId), threadCount };
}

/** A zombie is dead and only waits for its parent, unless threads beside its first one have not ended yet. */
function isRunning(stat: ProcessStat | undefined): stat is ProcessStat {
  return stat !== undefined && stat.state !== 'X' && (stat.state !== 'Z' || stat.threadCount > 1);
}

async function listProcesses(): Promise<ProcessStat[]> {
  const stats = await Promise.all((await listPids()).map(readStat));
  return stats.filter(isRunning);
}

/** Ids of the processes of a group that run. */
export async function listGroup(groupId: number): Promise<number[]> {
  const processes = await listProcesses();
  return processes.filter((each) => each.groupId === groupId).map(({ pid }) => pid);
}

/** Ids of the running processes called `name` that descend from `ancestor`. */
export async function listDescendants(ancestor: number, name: string): Promise<number[]> {
  const processes = await listProcesses();
  const parents = new Map(processes.map(({ pid, parentId }) => [pid, parentId]));
  const descends = (pid: number): boolean => {
    const parentId = parents.get(pid);
    return parentId !== undefined && (parentId === ancestor || descends(parentId));
  };
  return processes.filter((each) => each.name === name && descends(each.pid)).map(({ pid }) => pid);
}

/** Ids of the running processes whose command line or environment mentions `text`, which must be a path of ours. */
export async function listMentioning(text: string): Promise<number[]> {
  const others = (await listPids()).filter((pid) => pid !== process.pid);
  const found = await Promise.all(
    others.map(async (pid) => {
      // Processes of other users, and those that have just gone, cannot be read; none of them is ours.
      const read = (name: string): Promise<string> => readFile(`/proc/${pid}/${name}`, 'latin1').catch(() => '');
      const mentions = [await read('cmdline'), await read('environ')].some((each) => each.includes(text));
      return mentions && isRunning(await readStat(pid)) ? [pid] : [];
    }),
  );
  return found.flat();
}

/** The arguments a process was started with. @throws when there is no such process */
export async function readArguments(pid: number): Promise<string[]> {
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8');
  return text.split('\0').filter((argument) => argument !== '');
}

/** Resolves when none of these processes runs any more. Rejects when `signal` is aborted first. */
export async function waitForEnd(pids: readonly number[], signal: AbortSignal): Promise<void> {
  for (const pid of pids) {
    while (isRunning(await readStat(pid))) await sleep(POLL_MS, undefined, { signal });
  }
}

/** Processor time a process has used so far, in milliseconds. @throws when there is no such process */
export async function readCpuMs(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'latin1');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [userTicks = '0', systemTicks = '0'] = fields.slice(USER_TICKS_INDEX);
  return (Number(userTicks) + Number(systemTicks)) * TICK_MS;
}

/** Memory of all these processes together. @throws when one of them may not be read; one that is gone has none */
export async function readMemory(pids: readonly number[]): Promise<ProcessMemory> {
  const parts = await Promise.all(pids.map(readMemoryOf));
  return {
    proportionalBytes: parts.reduce((sum, part) => sum + part.proportionalBytes, 0),
    residentBytes: parts.reduce((sum, part) => sum + part.residentBytes, 0),
  };
}

async function readMemoryOf(pid: number): Promise<ProcessMemory> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'latin1').catch((error: unknown) => {
    const isGone = error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH');
    if (isGone) return '';
    throw new Error(`The memory of process ${pid} may not be read; run the benchmark as its user`, { cause: error });
  });
  const readBytes = (name: string): number =>
    Number(new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(text)?.[1] ?? 0) * BYTES_PER_KIB;
  return { proportionalBytes: readBytes('Pss'), residentBytes: readBytes('Rss') };
}
