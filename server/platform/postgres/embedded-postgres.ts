import { mkdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { once } from '../../lib/once.ts';
import type { Logger } from '../logger/logger.ts';
import { type Cluster, ensureCluster } from './embedded/cluster-directory.ts';
import { endLeftoverPostmaster } from './embedded/leftover-postmaster.ts';
import { locatePostgresBinaries, type PostgresBinaries } from './embedded/postgres-binaries.ts';
import {
  type Postmaster,
  type PostmasterExit,
  type PostmasterOptions,
  startPostmaster,
} from './embedded/postmaster.ts';
import { chooseServerAccount } from './embedded/server-account.ts';
import { planServerLauncher } from './embedded/server-command.ts';
import { makeSocketDirectory, type SocketDirectory } from './embedded/socket-directory.ts';

const USER = 'guise';
const DATABASE = 'guise';
const FIRST_RESTART_DELAY_MS = 50;
const LAST_RESTART_DELAY_MS = 10_000;
/** A server that ran this long had not died of its start: the next restart is a quick one again. */
const STABLE_AFTER_MS = 60_000;

export interface EmbeddedPostgresOptions {
  /** Directory for the cluster and the socket; made where it is not there. */
  readonly dataDir: string;
  readonly logger: Logger;
  /** Default: those of the installed platform package. */
  readonly binaries?: PostgresBinaries;
  /** Default 50. */
  readonly maxConnections?: number;
  /** Default `full`; see Cluster. */
  readonly durability?: Cluster['durability'];
  /** Milliseconds; default 60,000. */
  readonly startTimeoutMs?: number;
  /** Milliseconds; default 10,000. */
  readonly stopTimeoutMs?: number;
}

/** A PostgreSQL server that this process keeps running. Whoever started it disposes it, after every pool on it. */
export interface EmbeddedPostgres extends AsyncDisposable {
  /** What to give to `openDatabase` as `host`. */
  readonly socketDir: string;
  readonly database: string;
  readonly user: string;
  /** Process id of the server running now, or of the last one. */
  readonly pid: number;
  /** Settles, never rejects, when the server running now is gone. After a restart it is a new promise. */
  readonly exited: Promise<PostmasterExit>;
}

/**
 * Starts the embedded PostgreSQL in `dataDir/postgres`, making the cluster on first use, and resolves when it takes connections.
 *
 * From then on a server that dies is started again, with growing pauses while that fails, until the handle is disposed. It ends
 * with this process even if that is killed; what was committed is kept. `signal` aborts the start, not the running server.
 *
 * @throws {DataDirectoryInUseError} if another process uses the data directory.
 * @throws {EmbeddedPostgresMissingError} if there are no binaries for this machine.
 */
export async function startEmbeddedPostgres(
  options: EmbeddedPostgresOptions,
  signal: AbortSignal,
): Promise<EmbeddedPostgres> {
  const { logger } = options;
  await mkdir(options.dataDir, { recursive: true });
  const dataDir = await realpath(options.dataDir);
  const cluster = await planCluster(dataDir, options);
  await endLeftoverPostmaster(cluster.clusterDir, logger, signal);
  if ((await ensureCluster(cluster, signal)) === 'made') logger.info({ dataDir }, 'embedded database made');

  const socket = await makeSocketDirectory(dataDir, cluster.account);
  const postmasterOptions: PostmasterOptions = {
    cluster,
    socketDir: socket.path,
    maxConnections: options.maxConnections ?? 50,
    startTimeoutMs: options.startTimeoutMs ?? 60_000,
    stopTimeoutMs: options.stopTimeoutMs ?? 10_000,
    logger,
  };
  try {
    const first = await startPostmaster(postmasterOptions, signal);
    return new SupervisedPostgres({ first, socket, options: postmasterOptions }).supervise();
  } catch (error) {
    await socket.remove();
    throw error;
  }
}

async function planCluster(dataDir: string, options: EmbeddedPostgresOptions): Promise<Cluster> {
  const { binaries = await locatePostgresBinaries(), durability = 'full' } = options;
  const clusterDir = path.join(dataDir, 'postgres');
  const account = await chooseServerAccount(clusterDir);
  const programs = ['bin/initdb', 'bin/postgres', 'lib', 'share'].map((name) => path.join(binaries.rootDir, name));
  const launcher = await planServerLauncher(account, [dataDir, ...programs]);
  return { clusterDir, binaries, account, launcher, durability, user: USER, database: DATABASE };
}

/**
 * Keeps one server running: running -> (it dies) restarting -> running …, and from any of these, once disposed, to ended.
 *
 * One loop owns all of it. It awaits the end of the current server, then either starts the next one or, when `#stopping` is
 * aborted, returns. Disposal aborts, ends the current server and waits for the loop, so that no start can be under way after it.
 */
class SupervisedPostgres implements EmbeddedPostgres {
  readonly socketDir: string;
  readonly database: string;
  readonly user: string;
  readonly #socket: SocketDirectory;
  readonly #options: PostmasterOptions;
  readonly #stopping = new AbortController();
  readonly #end: () => Promise<void>;
  #current: Postmaster;
  #supervision: Promise<void> = Promise.resolve();

  constructor(parts: { first: Postmaster; socket: SocketDirectory; options: PostmasterOptions }) {
    this.socketDir = parts.socket.path;
    this.database = parts.options.cluster.database;
    this.user = parts.options.cluster.user;
    this.#socket = parts.socket;
    this.#options = parts.options;
    this.#current = parts.first;
    this.#end = once(() => this.#stop());
  }

  get pid(): number {
    return this.#current.pid;
  }

  get exited(): Promise<PostmasterExit> {
    return this.#current.exited;
  }

  supervise(): this {
    this.#supervision = this.#superviseUntilStopped();
    return this;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#end();
  }

  async #stop(): Promise<void> {
    this.#stopping.abort();
    await this.#current[Symbol.asyncDispose]();
    await this.#supervision;
    await this.#socket.remove();
  }

  async #superviseUntilStopped(): Promise<void> {
    const { logger } = this.#options;
    let delayMs = FIRST_RESTART_DELAY_MS;
    for (;;) {
      const startedAt = performance.now();
      const exit = await this.#current.exited;
      if (this.#stopping.signal.aborted) return;
      logger.error({ pid: this.#current.pid, ...exit }, 'embedded database died');
      if (performance.now() - startedAt > STABLE_AFTER_MS) delayMs = FIRST_RESTART_DELAY_MS;
      const next = await this.#restart(delayMs);
      if (next === undefined) return;
      this.#current = next;
      // Disposed after the server was ready and before we knew: nobody but us can end it.
      if (this.#stopping.signal.aborted) return next[Symbol.asyncDispose]();
      delayMs = nextDelay(delayMs);
      logger.warn({ pid: next.pid }, 'embedded database restarted');
    }
  }

  /** Tries until a server runs; undefined when disposed meanwhile. */
  async #restart(firstDelayMs: number): Promise<Postmaster | undefined> {
    const { signal } = this.#stopping;
    for (let delayMs = firstDelayMs; ; delayMs = nextDelay(delayMs)) {
      try {
        await sleep(delayMs, undefined, { signal });
        return await startPostmaster(this.#options, signal);
      } catch (error) {
        if (signal.aborted) return undefined;
        // Processes of the dead server hold the data for a moment, so that the first attempt may fail.
        this.#options.logger.warn({ err: error, delayMs }, 'embedded database could not be restarted yet');
      }
    }
  }
}

function nextDelay(delayMs: number): number {
  return Math.min(delayMs * 2, LAST_RESTART_DELAY_MS);
}
