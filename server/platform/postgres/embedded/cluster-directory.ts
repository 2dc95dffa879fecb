import { spawn } from 'node:child_process';
import { chown, lchown, lstat, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';

import type { PostgresBinaries } from './postgres-binaries.ts';
import { ifPresent, isFileError } from '../file-error.ts';
import type { ServerAccount } from './server-account.ts';
import type { ServerLauncher } from './server-command.ts';

const UNFINISHED_NAME = /^postgres\.init-(?<pid>\d+)$/;
/** From this version on PostgreSQL has a UTF-8 locale of its own, the same on every system. */
const BUILTIN_LOCALE_VERSION = 17;

export interface Cluster {
  /** Where it is or shall be. */
  readonly clusterDir: string;
  readonly binaries: PostgresBinaries;
  readonly account: ServerAccount | undefined;
  readonly launcher: ServerLauncher;
  /** `none` is for tests: nothing is forced to disk, and a crash of the machine may lose or break everything. */
  readonly durability: 'full' | 'none';
  readonly user: string;
  readonly database: string;
}

/**
 * Makes sure that there is a cluster which these binaries can open and that the server's account owns it.
 *
 * A new one is made beside its place and moved there when it is whole, so that one whose making was interrupted is never opened.
 * Resolves to whether it was made now.
 */
export async function ensureCluster(cluster: Cluster, signal: AbortSignal): Promise<'made' | 'found'> {
  const { clusterDir } = cluster;
  await removeUnfinished(path.dirname(clusterDir));
  const version = await ifPresent(readFile(path.join(clusterDir, 'PG_VERSION'), 'utf8'));
  if (version === undefined) {
    await makeCluster(cluster, signal);
    return 'made';
  }
  if (Number(version) !== cluster.binaries.majorVersion) {
    throw new Error(
      `${clusterDir} was made by PostgreSQL ${version.trim()} and cannot be opened by the installed version ` +
        `${cluster.binaries.majorVersion}: move its contents with pg_dump or pg_upgrade, or install the other version`,
    );
  }
  await ensureOwner(cluster);
  return 'found';
}

async function makeCluster(cluster: Cluster, signal: AbortSignal): Promise<void> {
  const { clusterDir, account, binaries } = cluster;
  const parent = path.dirname(clusterDir);
  const unfinished = path.join(parent, `postgres.init-${process.pid}`);
  await mkdir(unfinished, { mode: 0o700 });
  try {
    if (account !== undefined) await chown(unfinished, account.uid, account.gid);
    await runProgram(cluster, { executable: binaries.initdb, args: initdbArgs(cluster, unfinished) }, signal);
    // The server's single-user mode: it reads statements from its input and has no socket.
    const single = ['--single', '-c', 'exit_on_error=on', '-D', unfinished, 'template1'];
    const input = `create database ${cluster.database}\n`;
    await runProgram(cluster, { executable: binaries.postgres, args: single, input }, signal);
    await rename(unfinished, clusterDir);
    await syncDirectory(parent);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    if (!isFileError(error, 'ENOTEMPTY', 'EEXIST')) throw error;
    throw new Error(
      `${clusterDir} is not empty: it holds something else than a PostgreSQL data directory, or another process has just ` +
        'made one there',
      { cause: error },
    );
  }
}

function initdbArgs({ binaries, durability, user }: Cluster, directory: string): string[] {
  const hasLocale = binaries.majorVersion >= BUILTIN_LOCALE_VERSION;
  const locale = hasLocale ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8'] : [];
  const sync = durability === 'full' ? [] : ['--no-sync'];
  const auth = ['--auth-local=trust', '--auth-host=reject'];
  return ['-D', directory, '-U', user, '-E', 'UTF8', '--locale=C', ...locale, ...auth, ...sync, '--no-instructions'];
}

interface Program {
  readonly executable: string;
  readonly args: readonly string[];
  readonly input?: string;
}

async function runProgram(cluster: Cluster, program: Program, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { file, args, options } = cluster.launcher.command(program.executable, program.args);
  const child = spawn(file, args, { ...options, stdio: ['pipe', 'pipe', 'pipe'], signal, killSignal: 'SIGINT' });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => void (output = (output + text).slice(-4_000)));
  }
  // It may end without having read; its exit code says what there is to say.
  child.stdin.on('error', () => undefined);
  child.stdin.end(program.input);
  const ended = Promise.withResolvers<undefined>();
  let failure: Error | undefined;
  child.once('error', (error) => {
    failure = error;
    if (child.pid === undefined) ended.resolve(undefined);
  });
  child.once('close', (code, signalName) => {
    if (code !== 0) failure ??= new Error(`exit code ${code ?? 'none'}, signal ${signalName ?? 'none'}`);
    ended.resolve(undefined);
  });
  await ended.promise;
  signal.throwIfAborted();
  if (failure !== undefined) {
    throw new Error(`${path.basename(program.executable)} failed:\n${output}`, { cause: failure });
  }
}

/** Removes what a killed process left; what a living one is making stays. */
async function removeUnfinished(dataDir: string): Promise<void> {
  for (const name of await readdir(dataDir)) {
    const pid = Number(UNFINISHED_NAME.exec(name)?.groups?.['pid']);
    if (Number.isNaN(pid) || (pid !== process.pid && isAlive(pid))) continue;
    await rm(path.join(dataDir, name), { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !isFileError(error, 'ESRCH');
  }
}

/** A copied or restored data directory may belong to somebody else than the account the server runs as. */
async function ensureOwner({ clusterDir, account }: Cluster): Promise<void> {
  const { uid } = await stat(clusterDir);
  const wanted = account?.uid ?? process.getuid?.() ?? uid;
  if (uid === wanted) return;
  if (account === undefined) {
    throw new Error(
      `${clusterDir} belongs to the user ${uid}, but Guise runs as ${wanted}: run it as that user, or chown it`,
    );
  }
  await giveTo(account, clusterDir);
}

async function giveTo(account: ServerAccount, target: string): Promise<void> {
  await lchown(target, account.uid, account.gid);
  if (!(await lstat(target)).isDirectory()) return;
  for (const name of await readdir(target)) await giveTo(account, path.join(target, name));
}

async function syncDirectory(directory: string): Promise<void> {
  await using handle = await open(directory, 'r');
  await handle.sync();
}
