import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

import { once } from '../../../lib/once.ts';
import type { Logger } from '../../logger/logger.ts';
import type { Cluster } from './cluster-directory.ts';
import { SUPERVISOR_SETTING } from './leftover-postmaster.ts';
import { findPostmasterFile } from './postmaster-file.ts';
import { ServerLog } from './server-log.ts';

const READY_POLL_MS = 10;
const QUIT_GRACE_MS = 5_000;

export interface PostmasterOptions {
  readonly cluster: Cluster;
  readonly socketDir: string;
  readonly maxConnections: number;
  /** Time allowed from spawn to being ready, recovery after a crash included. Milliseconds. */
  readonly startTimeoutMs: number;
  /** Time allowed for a clean end before a forced one. Milliseconds. */
  readonly stopTimeoutMs: number;
  readonly logger: Logger;
}

/** How a server ended. */
export interface PostmasterExit {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One running PostgreSQL server. Disposing it resolves when the process is gone. */
export class Postmaster implements AsyncDisposable {
  /** Settles, never rejects, when the process is gone, for whatever reason. */
  readonly exited: Promise<PostmasterExit>;
  readonly pid: number;
  readonly #end: () => Promise<void>;

  constructor(parts: { child: ChildProcess; pid: number; exited: Promise<PostmasterExit>; stopTimeoutMs: number }) {
    this.exited = parts.exited;
    this.pid = parts.pid;
    this.#end = once(() => endProcess(parts.child, parts.exited, parts.stopTimeoutMs));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#end();
  }
}

/**
 * Starts a server on the cluster and resolves when it takes connections.
 *
 * @throws if it ends before that, takes too long or `signal` aborts; it is gone then.
 */
export async function startPostmaster(options: PostmasterOptions, signal: AbortSignal): Promise<Postmaster> {
  const { cluster, logger, startTimeoutMs, stopTimeoutMs } = options;
  signal.throwIfAborted();
  const settings = Object.entries(serverSettings(options)).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const command = cluster.launcher.command(cluster.binaries.postgres, ['-D', cluster.clusterDir, ...settings]);
  const child = spawn(command.file, command.args, {
    ...command.options,
    // A group of its own: Ctrl-C in a terminal is for us, and the server must outlive the sessions we then close.
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const log = new ServerLog(logger);
  log.follow(child.stderr);

  const exit = Promise.withResolvers<PostmasterExit>();
  let spawnError: Error | undefined;
  child.once('error', (error) => {
    spawnError = error;
    if (child.pid === undefined) exit.resolve({ exitCode: null, signal: null });
  });
  child.once('close', (exitCode, exitSignal) => exit.resolve({ exitCode, signal: exitSignal }));
  let isGone = false;
  const exited = exit.promise.finally(() => (isGone = true));

  const deadline = performance.now() + startTimeoutMs;
  try {
    for (;;) {
      signal.throwIfAborted();
      if (isGone) throw new Error(`PostgreSQL did not start:\n${log.lastLines}`, { cause: spawnError });
      const file = await findPostmasterFile(cluster.clusterDir);
      if (file !== undefined && file.pid === child.pid && file.isReady) {
        return new Postmaster({ child, pid: file.pid, exited, stopTimeoutMs });
      }
      if (performance.now() > deadline) {
        throw new Error(`PostgreSQL was not ready after ${startTimeoutMs} ms:\n${log.lastLines}`);
      }
      await sleep(READY_POLL_MS);
    }
  } catch (error) {
    await endProcess(child, exited, stopTimeoutMs);
    throw error;
  }
}

function serverSettings(options: PostmasterOptions): Record<string, string | number> {
  const durable = options.cluster.durability === 'full' ? 'on' : 'off';
  return {
    // Known to nobody but a later supervisor, see leftover-postmaster.ts.
    [SUPERVISOR_SETTING]: process.pid,
    cluster_name: 'guise',
    // Reached by its socket only, in a directory that only the service can enter.
    listen_addresses: '',
    unix_socket_directories: `"${options.socketDir.replaceAll('"', '""')}"`,
    unix_socket_permissions: '0700',
    max_connections: options.maxConnections,
    fsync: durable,
    synchronous_commit: durable,
    full_page_writes: durable,
    // One machine, no replicas, a database of some hundred megabytes beside many browsers.
    shared_buffers: '64MB',
    wal_level: 'minimal',
    max_wal_senders: 0,
    max_wal_size: '256MB',
    min_wal_size: '32MB',
    huge_pages: 'off',
    // Files in the cluster: segments in /dev/shm would outlive a killed server, and containers have little room there.
    dynamic_shared_memory_type: 'mmap',
    jit: 'off',
    max_parallel_workers_per_gather: 0,
    autovacuum_max_workers: 2,
    // Three worker processes fewer.
    ...(options.cluster.binaries.majorVersion >= 18 ? { io_method: 'sync' } : {}),
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_destination: 'stderr',
    logging_collector: 'off',
    log_line_prefix: '',
    // Statements and the details of errors hold what users wrote.
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
  };
}

/** SIGINT ends connections and writes a checkpoint, SIGQUIT leaves that to recovery, SIGKILL is for what hears neither. */
async function endProcess(child: ChildProcess, exited: Promise<PostmasterExit>, stopTimeoutMs: number): Promise<void> {
  const steps = [
    { signal: 'SIGINT', waitMs: stopTimeoutMs },
    { signal: 'SIGQUIT', waitMs: QUIT_GRACE_MS },
    { signal: 'SIGKILL', waitMs: undefined },
  ] as const;
  for (const { signal, waitMs } of steps) {
    // False where it is gone already.
    child.kill(signal);
    if (waitMs === undefined) break;
    const tooLong = new AbortController();
    const isGone = await Promise.race([
      exited.then(() => true),
      sleep(waitMs, false, { signal: tooLong.signal }).catch(() => false),
    ]);
    tooLong.abort();
    if (isGone) return;
  }
  await exited;
}
