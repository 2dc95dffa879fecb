import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

import { type TestPostgresServer, startTestPostgres } from '../../server/testing/postgres-server.ts';
import { startTestRedis } from '../../server/testing/redis-server.ts';

const run = promisify(execFile);

/** Where nodes find what they share. */
export interface ServerAddresses {
  readonly databaseUrl: string;
  readonly redisUrl: string;
}

/** A PostgreSQL and a Redis of the test's own. */
export interface Servers extends ServerAddresses {
  /** Runs a statement; gives the rows, their columns as text. */
  query(sql: string): Promise<string[][]>;
  /** Stops Redis until it is disposed. */
  stopRedis(): Disposable;
  /** Stops PostgreSQL, with all its processes, until it is disposed. */
  stopPostgres(): Disposable;
}

/** Starts a PostgreSQL with an empty database, and a Redis. `stack` ends them. */
export async function openServers(stack: AsyncDisposableStack): Promise<Servers> {
  const [postgres, redis] = await Promise.all([startTestPostgres(stack), startTestRedis(stack)]);
  const { socketDir, user, maintenanceDatabase, templateDatabase } = postgres;
  const query = async (database: string, sql: string): Promise<string[][]> => {
    const args = ['-h', socketDir, '-U', user, '-d', database, '-X', '-A', '-t', '-F', '\t', '-c', sql];
    const { stdout } = await run('psql', args, { timeout: 20_000 });
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split('\t'));
  };
  const database = `cluster_${randomUUID().replaceAll('-', '')}`;
  await query(maintenanceDatabase, `create database ${database} template ${templateDatabase}`);
  return {
    databaseUrl: `postgres://${user}@localhost/${database}?host=${encodeURIComponent(socketDir)}`,
    redisUrl: redis.url,
    query: (sql) => query(database, sql),
    stopRedis: () => stop(() => [redis.pid]),
    stopPostgres: () => stopPostgres(postgres),
  };
}

function childrenOf(parent: number): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent;
    } catch {
      return false;
    }
  });
}

/** Stops processes until it is disposed: they hold their connections and answer nothing. */
function stop(pids: () => readonly number[]): Disposable {
  const stopped = pids();
  for (const pid of stopped) process.kill(pid, 'SIGSTOP');
  return {
    [Symbol.dispose]() {
      for (const pid of stopped) {
        try {
          process.kill(pid, 'SIGCONT');
        } catch {
          // It ended when it was given up by its client; the server has noticed by its own means.
        }
      }
    },
  };
}

function stopPostgres({ socketDir }: TestPostgresServer): Disposable {
  const lock = readdirSync(socketDir).find((name) => name.endsWith('.lock')) ?? '';
  const postmaster = Number(readFileSync(path.join(socketDir, lock), 'utf8').split('\n', 1)[0]);
  // The postmaster first, so that it starts no process after the list is made.
  process.kill(postmaster, 'SIGSTOP');
  return stop(() => [postmaster, ...childrenOf(postmaster)]);
}
