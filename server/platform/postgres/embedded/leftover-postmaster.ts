import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

import type { Logger } from '../../logger/logger.ts';
import { ifPresent, isFileError } from '../file-error.ts';
import { disownLockFile, findPostmasterFile, postmasterFileOf } from './postmaster-file.ts';

const POLL_MS = 10;
/** A killed process keeps its children until the kernel has taken it apart. */
const DYING_SUPERVISOR_MS = 2_000;
/** How a leftover is told to end, and for how long it is waited for each time. The first two are safe for the data, and so is the third. */
const ENDING_STEPS = [
  { signal: 'SIGINT', waitMs: 10_000 },
  { signal: 'SIGQUIT', waitMs: 5_000 },
  { signal: 'SIGKILL', waitMs: 5_000 },
] as const;

/** Setting without a meaning to PostgreSQL, by which a later supervisor knows whose child a running server was. */
export const SUPERVISOR_SETTING = 'guise.supervisor_pid';
const SUPERVISOR_ARGUMENT = /guise\.supervisor_pid=(?<pid>\d+)/;

/** Another process uses the data directory. */
export class DataDirectoryInUseError extends Error {
  override readonly name = 'DataDirectoryInUseError';
  readonly pid: number;

  constructor(clusterDir: string, holder: { readonly pid: number; readonly what: string }) {
    super(`${clusterDir} is in use by ${holder.what} (pid ${holder.pid}): stop it, or choose another DATA_DIR`);
    this.pid = holder.pid;
  }
}

/**
 * Ends the server that a killed service may have left running on this data directory, and resolves when it is gone.
 *
 * Such a server is known by its command line and by not being the child of the supervisor named there any more.
 *
 * @throws {DataDirectoryInUseError} if its supervisor lives, or if somebody else started a server there.
 */
export async function endLeftoverPostmaster(clusterDir: string, logger: Logger, signal: AbortSignal): Promise<void> {
  const file = await findPostmasterFile(clusterDir);
  if (file === undefined) return;
  const { pid } = file;
  if ((await findOrphan(pid, clusterDir, signal)) !== undefined) {
    logger.warn({ pid }, 'ending the database server a killed service left');
    await endServer(pid, clusterDir, signal);
  }
  await disownLockFile(postmasterFileOf(clusterDir));
}

interface RunningServer {
  readonly parentPid: number;
  readonly supervisorPid: number | undefined;
}

/** The server with that pid, if there is one; waits a moment for a supervisor that is being killed just now to be gone. */
async function findOrphan(pid: number, clusterDir: string, signal: AbortSignal): Promise<RunningServer | undefined> {
  const deadline = performance.now() + DYING_SUPERVISOR_MS;
  for (;;) {
    const server = await findServer(pid, clusterDir);
    if (server === undefined) return undefined;
    const { parentPid, supervisorPid } = server;
    if (supervisorPid === undefined) {
      throw new DataDirectoryInUseError(clusterDir, { pid, what: 'a PostgreSQL server that Guise did not start' });
    }
    if (supervisorPid !== parentPid) return server;
    if (parentPid === process.pid) {
      throw new DataDirectoryInUseError(clusterDir, { pid: parentPid, what: 'this process itself' });
    }
    if (performance.now() > deadline) {
      throw new DataDirectoryInUseError(clusterDir, { pid: parentPid, what: 'another Guise service' });
    }
    await sleep(POLL_MS, undefined, { signal });
  }
}

async function endServer(pid: number, clusterDir: string, signal: AbortSignal): Promise<void> {
  for (const step of ENDING_STEPS) {
    try {
      process.kill(pid, step.signal);
    } catch (error) {
      if (isFileError(error, 'ESRCH')) return;
      throw error;
    }
    const deadline = performance.now() + step.waitMs;
    while (performance.now() < deadline) {
      if ((await findServer(pid, clusterDir)) === undefined) return;
      await sleep(POLL_MS, undefined, { signal });
    }
  }
  throw new DataDirectoryInUseError(clusterDir, { pid, what: 'a PostgreSQL server that does not end' });
}

/** The server of that data directory, if the process is one and not a zombie, whose command line is empty. */
async function findServer(pid: number, clusterDir: string): Promise<RunningServer | undefined> {
  const found = await (process.platform === 'linux' ? readProc(pid) : askPs(pid));
  if (found?.commandLine.includes(`-D ${clusterDir} `) !== true) return undefined;
  const supervisorPid = SUPERVISOR_ARGUMENT.exec(found.commandLine)?.groups?.['pid'];
  return { parentPid: found.parentPid, supervisorPid: supervisorPid === undefined ? undefined : Number(supervisorPid) };
}

interface RunningProcess {
  readonly parentPid: number;
  /** Arguments, each followed by a space. */
  readonly commandLine: string;
}

async function readProc(pid: number): Promise<RunningProcess | undefined> {
  try {
    const status = await ifPresent(readFile(`/proc/${pid}/status`, 'utf8'));
    const commandLine = await ifPresent(readFile(`/proc/${pid}/cmdline`, 'utf8'));
    const parentPid = /^PPid:\s*(?<pid>\d+)$/m.exec(status ?? '')?.groups?.['pid'];
    if (commandLine === undefined || parentPid === undefined) return undefined;
    return { parentPid: Number(parentPid), commandLine: commandLine.replaceAll('\0', ' ') };
  } catch (error) {
    // The process ended between opening its file and reading it.
    if (isFileError(error, 'ESRCH')) return undefined;
    throw error;
  }
}

async function askPs(pid: number): Promise<RunningProcess | undefined> {
  try {
    const { stdout } = await promisify(execFile)('ps', ['-ww', '-o', 'ppid=,command=', '-p', `${pid}`]);
    const { parent, commandLine } = /^\s*(?<parent>\d+)\s+(?<commandLine>.*)$/m.exec(stdout)?.groups ?? {};
    return commandLine === undefined ? undefined : { parentPid: Number(parent), commandLine: `${commandLine} ` };
  } catch {
    // ps exits with 1 where there is no such process.
    return undefined;
  }
}
