import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** `st` of /proc/net/tcp; see proc(5). */
const TCP_LISTEN = '0A';
const TCP_ESTABLISHED = '01';

/** A running process as /proc shows it; see proc(5). */
export interface ProcessInfo {
  readonly pid: number;
  readonly parentPid: number;
  readonly groupId: number;
  /** Clock ticks after boot: with the pid it names one process for ever. */
  readonly startedAt: string;
  /** Its arguments, joined by spaces. */
  readonly command: string;
  /** The environment it was started with, as `NAME=value` between NULs. */
  readonly environment: string;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    // The process has ended meanwhile.
    return '';
  }
}

function describeProcess(pid: number): ProcessInfo | undefined {
  const stat = read(`/proc/${pid}/stat`);
  // The command name stands in parentheses and may itself hold any character, so count from its last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, parentPid, groupId] = fields;
  // A zombie runs no more: it only waits for its parent to take note.
  if (stat === '' || state === 'Z' || state === 'X') return undefined;
  return {
    pid,
    parentPid: Number(parentPid),
    groupId: Number(groupId),
    startedAt: fields[19] ?? '',
    command: read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim(),
    environment: read(`/proc/${pid}/environ`),
  };
}

/** Every process that runs on this machine; zombies are none. */
function listProcesses(): ProcessInfo[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map((pid) => describeProcess(Number(pid))).filter((each) => each !== undefined);
}

/**
 * The processes that belong to a data directory, except the service itself: those that name it in their arguments or in
 * the variable browsers are tagged with, all that share a process group with one of them, and the children of all those.
 */
export function listProcessesOf(dataDir: string): ProcessInfo[] {
  const all = listProcesses();
  const isTagged = ({ command, environment }: ProcessInfo): boolean =>
    command.includes(dataDir) ||
    environment.split('\0').some((each) => each.startsWith(`GUISE_BROWSERS_DIR=${dataDir}`));
  const found = new Map(all.filter(isTagged).map((each) => [each.pid, each]));
  for (let before = -1; before < found.size;) {
    before = found.size;
    const groups = new Set([...found.values()].map(({ groupId }) => groupId));
    for (const each of all) if (groups.has(each.groupId) || found.has(each.parentPid)) found.set(each.pid, each);
  }
  return [...found.values()];
}

/** Whether that very process still runs. */
export function isRunning({ pid, startedAt }: ProcessInfo): boolean {
  return describeProcess(pid)?.startedAt === startedAt;
}

/** Main processes of the browsers of a data directory. */
export function listBrowsers(dataDir: string): ProcessInfo[] {
  return listProcessesOf(dataDir).filter(
    ({ command }) => command.includes(` --user-data-dir=${dataDir}`) && !command.includes(' --type='),
  );
}

/** X servers of the headful browsers of a data directory. */
export function listDisplays(dataDir: string): ProcessInfo[] {
  return listProcessesOf(dataDir).filter(({ command }) => /^\S*Xvfb /.test(command));
}

/** What the file descriptors of a process are, such as `socket:[123]` or the path of a file; one entry each. */
export function listDescriptors(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((each) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${each}`)];
    } catch {
      // Closed between the listing and here.
      return [];
    }
  });
}

/** Ports of this machine that TCP sockets of a process in this state have. */
function listPorts(pid: number, wanted: string): number[] {
  const inodes = new Set(listDescriptors(pid).flatMap((each) => /^socket:\[(\d+)\]$/.exec(each)?.[1] ?? []));
  const rows = ['tcp', 'tcp6'].flatMap((table) => read(`/proc/${pid}/net/${table}`).split('\n').slice(1));
  return rows.flatMap((row) => {
    const [, local = '', , state, , , , , , inode = ''] = row.trim().split(/\s+/);
    return state === wanted && inodes.has(inode) ? [Number.parseInt(local.split(':')[1] ?? '', 16)] : [];
  });
}

/** TCP ports a process listens on, in ascending order. */
export function listListeningPorts(pid: number): number[] {
  return listPorts(pid, TCP_LISTEN).sort((one, other) => one - other);
}

/** Connections a process has accepted on a port, of clients that are still there. */
export function countClients(pid: number, port: number): number {
  return listPorts(pid, TCP_ESTABLISHED).filter((each) => each === port).length;
}
