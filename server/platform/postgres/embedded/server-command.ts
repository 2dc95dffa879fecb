import { access, constants, readFile, stat } from 'node:fs/promises';
import path from 'node:path';

import { ifPresent } from '../file-error.ts';
import type { ServerAccount } from './server-account.ts';

const SETPRIV_PATHS = [
  '/usr/bin/setpriv',
  '/bin/setpriv',
  '/usr/local/bin/setpriv',
  '/run/current-system/sw/bin/setpriv',
];
const ENVIRONMENT = { LC_ALL: 'C', TZ: 'UTC', PATH: '/usr/local/bin:/usr/bin:/bin' };
/** Capabilities that let a process enter any directory, the lesser first, with their bits in /proc/PID/status. */
const SEARCH_CAPABILITIES = [
  { name: 'dac_read_search', bit: 2n },
  { name: 'dac_override', bit: 1n },
] as const;

/** How PostgreSQL's programs are run: as whom, and what else is put before them. */
export interface ServerLauncher {
  command(executable: string, args: readonly string[]): ServerCommand;
}

/** What to give to `spawn`. */
interface ServerCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly options: {
    readonly cwd: string;
    readonly env: Record<string, string>;
    readonly uid?: number;
    readonly gid?: number;
  };
}

/**
 * Plans how to run PostgreSQL's programs as `account` such that they end with this process, however it ends.
 *
 * Both are the work of `setpriv` (util-linux); to the kernel the parent is the thread that spawns, so start the server on the main
 * one. Where a directory on the way to `paths` is closed to the account, as for a checkout below a
 * 0700 /root, the programs keep the one capability that lets them pass; `no_setuid_fixup` makes it count for access(2) too,
 * with which they look for each other. Where there is no setpriv (macOS), they run without these safeguards.
 *
 * @throws if a directory is closed and this process has no such capability to give.
 */
export async function planServerLauncher(
  account: ServerAccount | undefined,
  paths: readonly string[],
): Promise<ServerLauncher> {
  const setpriv = await findSetpriv();
  const obstacle = account === undefined ? undefined : await findObstacle(account, paths);
  const env = ENVIRONMENT;
  // Any directory will do that every account may enter: the service's own may be closed to the server's.
  const cwd = '/';
  if (setpriv === undefined) {
    if (obstacle !== undefined) throw closedDirectoryError(obstacle, account);
    const identity = account === undefined ? {} : { uid: account.uid, gid: account.gid };
    return { command: (executable, args) => ({ file: executable, args, options: { cwd, env, ...identity } }) };
  }
  const prefix = ['--pdeathsig', 'INT', ...toAccountArgs(account)];
  if (obstacle !== undefined) prefix.push(...(await toCapabilityArgs(obstacle, account)));
  return {
    command: (executable, args) => ({ file: setpriv, args: [...prefix, executable, ...args], options: { cwd, env } }),
  };
}

function toAccountArgs(account: ServerAccount | undefined): string[] {
  return account === undefined ? [] : ['--reuid', `${account.uid}`, '--regid', `${account.gid}`, '--clear-groups'];
}

async function toCapabilityArgs(obstacle: string, account: ServerAccount | undefined): Promise<string[]> {
  const status = await readFile('/proc/self/status', 'utf8');
  const effective = BigInt(`0x${/^CapEff:\s*(?<mask>[0-9a-f]+)$/m.exec(status)?.groups?.['mask'] ?? '0'}`);
  const capability = SEARCH_CAPABILITIES.find(({ bit }) => (effective & (1n << bit)) !== 0n);
  if (capability === undefined) throw closedDirectoryError(obstacle, account);
  const only = `-all,+${capability.name}`;
  return ['--inh-caps', only, '--ambient-caps', only, '--securebits', '+no_setuid_fixup'];
}

function closedDirectoryError(obstacle: string, account: ServerAccount | undefined): Error {
  return new Error(
    `PostgreSQL runs as the user ${account?.name ?? 'of this process'}, to whom ${obstacle} is closed: ` +
      'open it (chmod o+rx), or move the installation and DATA_DIR elsewhere',
  );
}

/** The first file or directory on the way to one of `paths`, or one of them, that is closed to the account. */
async function findObstacle(account: ServerAccount, paths: readonly string[]): Promise<string | undefined> {
  for (const target of new Set(paths.flatMap(ancestorsOf))) {
    const found = await ifPresent(stat(target));
    if (found === undefined) continue;
    const shift = found.uid === account.uid ? 6 : found.gid === account.gid ? 3 : 0;
    const isOpen =
      ((found.mode >> shift) & 0o5) === 0o5 || (found.isDirectory() && ((found.mode >> shift) & 0o1) === 1);
    if (!isOpen) return target;
  }
  return undefined;
}

function ancestorsOf(target: string): string[] {
  const parent = path.dirname(target);
  return parent === target ? [target] : [...ancestorsOf(parent), target];
}

async function findSetpriv(): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined;
  for (const candidate of SETPRIV_PATHS) {
    try {
      await access(candidate, constants.X_OK);
      return candidate;
    } catch {
      // Not here: the next place may have it.
    }
  }
  return undefined;
}
