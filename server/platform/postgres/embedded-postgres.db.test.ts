import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';

import { afterEach, describe, expect, it } from 'vitest';

import { openTestDirectory } from '../../testing/test-directory.ts';
import { until } from '../../testing/until.ts';
import { silentLogger } from '../logger/logger.ts';
import type { Database } from './database.ts';
import { type EmbeddedPostgres, type EmbeddedPostgresOptions, startEmbeddedPostgres } from './embedded-postgres.ts';
import { DataDirectoryInUseError } from './embedded/leftover-postmaster.ts';
import { locatePostgresBinaries, type PostgresBinaries } from './embedded/postgres-binaries.ts';
import { openDatabase } from './open-database.ts';

const CHILD = path.join(import.meta.dirname, '../../testing/embedded-postgres-child.ts');
const START_TIMEOUT_MS = 30_000;
const isRoot = process.getuid?.() === 0;

const dataDirs: string[] = [];

afterEach(async () => {
  for (const dataDir of dataDirs.splice(0)) await until(async () => (await listServers(dataDir)).length === 0);
});

describe('startEmbeddedPostgres', () => {
  it('keeps what was committed from one start to the next, and ends with its handle', async () => {
    await using stack = new AsyncDisposableStack();
    const dataDir = await openDataDir(stack);
    {
      await using server = await start(dataDir);
      await using db = await open(server);
      await db.exec('create table kept (id integer); insert into kept values (1)');
      expect(await db.query('show fsync')).toEqual([{ fsync: 'on' }]);
      expect(await db.query('show server_encoding')).toEqual([{ server_encoding: 'UTF8' }]);
      expect(await db.query('show timezone')).toEqual([{ TimeZone: 'UTC' }]);
    }
    expect(await listServers(dataDir)).toEqual([]);

    await using server = await start(dataDir);
    await using db = await open(server);
    expect(await db.query('select id from kept')).toEqual([{ id: 1 }]);
  });

  it('listens in a directory that only its user can enter, and on no port', async () => {
    await using stack = new AsyncDisposableStack();
    const dataDir = await openDataDir(stack);
    await using server = await start(dataDir);

    await using db = await open(server);
    expect((await stat(server.socketDir)).mode & 0o777).toBe(0o700);
    expect((await stat(path.join(dataDir, 'postgres'))).mode & 0o777).toBe(0o700);
    expect(await db.query('show listen_addresses')).toEqual([{ listen_addresses: '' }]);
  });

  it('starts a server that died again, and connections find the new one', async () => {
    await using stack = new AsyncDisposableStack();
    await using server = await start(await openDataDir(stack));
    await using db = await open(server);
    await db.exec('create table kept (id integer); insert into kept values (1)');
    const firstPid = server.pid;
    const died = server.exited;

    process.kill(firstPid, 'SIGKILL');

    expect(await died).toMatchObject({ signal: 'SIGKILL' });
    await until(() => server.pid !== firstPid);
    expect(await until(() => db.query('select id from kept'))).toEqual([{ id: 1 }]);
  });

  it('can be disposed at any moment of a restart, leaves no server, and starts again', async () => {
    for (const delayMs of [0, 20, 60, 90, 120]) {
      await using stack = new AsyncDisposableStack();
      const dataDir = await openDataDir(stack);
      const server = await start(dataDir, { durability: 'none' });
      process.kill(server.pid, 'SIGKILL');
      await server.exited;
      // Not a wait for a fact: the moment itself is what varies.
      await new Promise((resolve) => void setTimeout(resolve, delayMs));

      await server[Symbol.asyncDispose]();

      expect(await listServers(dataDir)).toEqual([]);
      // It also takes away the shared memory that only the next server can know of.
      await (await start(dataDir, { durability: 'none' }))[Symbol.asyncDispose]();
    }
  });

  it('leaves no server when its process is killed, and the next start has the data', async () => {
    await using stack = new AsyncDisposableStack();
    const dataDir = await openDataDir(stack);
    const child = await startChild(stack, dataDir);
    {
      await using db = await open({ ...child, database: 'guise', user: 'guise' });
      await db.exec('create table kept (id integer); insert into kept values (1)');
    }

    child.process.kill('SIGKILL');

    await using server = await start(dataDir);
    await using db = await open(server);
    expect(await db.query('select id from kept')).toEqual([{ id: 1 }]);
    expect(await listServers(dataDir)).toEqual([server.pid]);
  });

  it('ends with its killed process even if nobody starts it again', async () => {
    await using stack = new AsyncDisposableStack();
    const dataDir = await openDataDir(stack);
    const child = await startChild(stack, dataDir);
    expect(await listServers(dataDir)).toEqual([child.pid]);

    child.process.kill('SIGKILL');

    await until(async () => (await listServers(dataDir)).length === 0);
    // SIGINT let it end in order.
    expect(await readdir(path.join(dataDir, 'postgres'))).not.toContain('postmaster.pid');
  });

  it('waits for the server of a killed process to be gone', async () => {
    await using stack = new AsyncDisposableStack();
    const dataDir = await openDataDir(stack);
    const child = await startChild(stack, dataDir);
    // Stopped, it does not hear that its parent died.
    process.kill(child.pid, 'SIGSTOP');
    child.process.kill('SIGKILL');

    const starting = start(dataDir);
    const oldParent = `PPid:\t${child.process.pid ?? 0}\n`;
    await until(async () => !(await readFile(`/proc/${child.pid}/status`, 'utf8')).includes(oldParent));
    process.kill(child.pid, 'SIGCONT');

    await using server = await starting;
    expect(await listServers(dataDir)).toEqual([server.pid]);
  });

  it('refuses a data directory that a living service holds, naming it', async () => {
    await using stack = new AsyncDisposableStack();
    const dataDir = await openDataDir(stack);
    const child = await startChild(stack, dataDir);

    const refused = start(dataDir);

    await expect(refused).rejects.toBeInstanceOf(DataDirectoryInUseError);
    await expect(refused).rejects.toMatchObject({ pid: child.process.pid });
    await using db = await open({ ...child, database: 'guise', user: 'guise' });
    await db.ping();
  });

  it('starts though the pid of a killed server belongs to a stranger now', async () => {
    await using stack = new AsyncDisposableStack();
    const dataDir = await openDataDir(stack);
    const pidFile = path.join(dataDir, 'postgres', 'postmaster.pid');
    await start(dataDir, { durability: 'none' }).then(async (server) => {
      await copyFile(pidFile, `${pidFile}.kept`);
      await server[Symbol.asyncDispose]();
    });
    const { uid, gid } = await stat(path.join(dataDir, 'postgres'));
    const stranger = spawn('sleep', ['60'], isRoot ? { uid, gid } : {});
    stack.defer(() => void stranger.kill());
    const lines = (await readFile(`${pidFile}.kept`, 'utf8')).split('\n');
    await writeFile(pidFile, [`${stranger.pid ?? 0}`, ...lines.slice(1)].join('\n'));

    await using server = await start(dataDir);

    await using db = await open(server);
    await db.ping();
    expect(stranger.exitCode).toBeNull();
  });

  it('starts afresh where the making of a cluster was cut short', async () => {
    await using stack = new AsyncDisposableStack();
    const dataDir = await openDataDir(stack);
    for (const afterMs of [10, 50, 150]) {
      await expect(
        startEmbeddedPostgres({ dataDir, logger: silentLogger }, AbortSignal.timeout(afterMs)),
      ).rejects.toThrow();
      expect(await readdir(dataDir)).not.toContain('postgres');
    }
    await mkdir(path.join(dataDir, 'postgres.init-999999999'));

    await using server = await start(dataDir);

    await using db = await open(server);
    await db.ping();
    expect((await readdir(dataDir)).sort()).toEqual(['postgres', 'postgres-socket']);
  });

  it('puts its socket elsewhere where the path of the data directory is too long for one, and takes it away again', async () => {
    await using stack = new AsyncDisposableStack();
    const dataDir = path.join(await openDataDir(stack), 'long'.repeat(30));
    const server = await start(dataDir, { durability: 'none' });
    {
      await using db = await open(server);
      await db.ping();
    }
    expect(server.socketDir.startsWith(dataDir)).toBe(false);
    expect((await stat(server.socketDir)).mode & 0o777).toBe(0o700);

    await server[Symbol.asyncDispose]();

    await expect(stat(server.socketDir)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('takes a data directory whose name holds spaces, commas and quotes', async () => {
    await using stack = new AsyncDisposableStack();
    const dataDir = path.join(await openDataDir(stack), `my "data", it's`);
    await using server = await start(dataDir, { durability: 'none' });

    await using db = await open(server);
    await db.ping();
  });

  it('says so where the cluster was made by another version', async () => {
    await using stack = new AsyncDisposableStack();
    const dataDir = await openDataDir(stack);
    await (await start(dataDir, { durability: 'none' }))[Symbol.asyncDispose]();
    await writeFile(path.join(dataDir, 'postgres', 'PG_VERSION'), '12\n');

    await expect(start(dataDir)).rejects.toThrow('was made by PostgreSQL 12');
  });

  it('puts back the library links that an install without scripts leaves out', async () => {
    await using stack = new AsyncDisposableStack();
    const packageDir = await copyPackage(stack, await openTestDirectory(stack));
    const lib = path.join(packageDir, 'native', 'lib');
    for (const entry of await readdir(lib, { withFileTypes: true })) {
      if (entry.isSymbolicLink()) await rm(path.join(lib, entry.name));
    }

    await locatePostgresBinaries(path.join(packageDir, 'dist', 'index.js'));

    expect(await readlink(path.join(lib, 'libpq.so.5'))).toMatch(/^libpq\.so\.5\./);
  });

  it.runIf(isRoot)('works as root with data and programs below a directory that is closed to all others', async () => {
    await using stack = new AsyncDisposableStack();
    // Not in a temporary directory of the test's: those are open on the way.
    const closed = await mkdtemp('/root/guise-test-');
    stack.defer(() => rm(closed, { recursive: true, force: true }));
    await chmod(closed, 0o700);
    const packageDir = await copyPackage(stack, closed);
    const dataDir = path.join(closed, 'data');
    dataDirs.push(dataDir);
    const binaries: PostgresBinaries = await locatePostgresBinaries(path.join(packageDir, 'dist', 'index.js'));

    await using server = await start(dataDir, { binaries });

    await using db = await open(server);
    await db.ping();
    const status = await readFile(`/proc/${server.pid}/status`, 'utf8');
    expect(status).not.toMatch(/^Uid:\s+0\b/m);
    // CAP_DAC_READ_SEARCH, and nothing else.
    expect(status).toMatch(/^CapEff:\s+0*4$/m);
  });

  it.runIf(isRoot)('gives a server that can reach its files no privilege at all', async () => {
    await using stack = new AsyncDisposableStack();
    await using server = await start(await openDataDir(stack), { durability: 'none' });

    const status = await readFile(`/proc/${server.pid}/status`, 'utf8');

    expect(status).not.toMatch(/^Uid:\s+0\b/m);
    expect(status).toMatch(/^CapEff:\s+0+$/m);
    expect(status).toMatch(/^Groups:\s*$/m);
  });
});

async function openDataDir(stack: AsyncDisposableStack): Promise<string> {
  const dataDir = await openTestDirectory(stack);
  if (isRoot) await chmod(dataDir, 0o711);
  dataDirs.push(dataDir);
  return dataDir;
}

function start(dataDir: string, options: Partial<EmbeddedPostgresOptions> = {}): Promise<EmbeddedPostgres> {
  return startEmbeddedPostgres({ dataDir, logger: silentLogger, ...options }, AbortSignal.timeout(START_TIMEOUT_MS));
}

function open(server: { socketDir: string; database: string; user: string }): Promise<Database> {
  const { socketDir: host, database, user } = server;
  const limits = { poolSize: 2, statementTimeoutMs: 5_000, connectTimeoutMs: 10_000 };
  return openDatabase({ host, database, user, ...limits }, silentLogger);
}

async function copyPackage(stack: AsyncDisposableStack, parent: string): Promise<string> {
  const { rootDir } = await locatePostgresBinaries();
  const packageDir = path.join(parent, 'package');
  stack.defer(() => rm(packageDir, { recursive: true, force: true }));
  await cp(path.dirname(rootDir), packageDir, { recursive: true, verbatimSymlinks: true });
  return packageDir;
}

interface Child {
  readonly process: ChildProcess;
  readonly pid: number;
  readonly socketDir: string;
}

async function startChild(stack: AsyncDisposableStack, dataDir: string): Promise<Child> {
  const child = spawn(process.execPath, [CHILD, '--data-dir', dataDir], { stdio: ['ignore', 'pipe', 'inherit'] });
  stack.defer(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
    await until(async () => (await listServers(dataDir)).length === 0);
  });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const { pid, socketDir } = JSON.parse(line) as { pid: number; socketDir: string };
  return { process: child, pid, socketDir };
}

/** Pids of the servers on a data directory, as the system knows them. */
async function listServers(dataDir: string): Promise<number[]> {
  const found = new Map<number, number>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const commandLine = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    if (commandLine.includes(`\0-D\0${dataDir}/postgres\0`)) found.set(Number(name), await findParent(name));
  }
  // A server's children have its command line until they have given themselves a name.
  return [...found].filter(([, parent]) => !found.has(parent)).map(([id]) => id);
}

async function findParent(processId: string): Promise<number> {
  const status = await readFile(`/proc/${processId}/status`, 'utf8').catch(() => '');
  return Number(/^PPid:\t(?<parent>\d+)$/m.exec(status)?.groups?.['parent'] ?? 0);
}
