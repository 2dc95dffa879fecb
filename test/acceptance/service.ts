import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { type Api, connectApi } from './api.ts';
import { isRunning, listProcessesOf, type ProcessInfo } from './processes.ts';
import { until } from './until.ts';

const CHECKOUT = path.resolve(import.meta.dirname, '../..');
const START_TIMEOUT_MS = 60_000;
/** The service gives itself 30 s to stop; one that is not done by then has failed. */
const STOP_TIMEOUT_MS = 40_000;

export type ServiceSettings = Readonly<Record<string, string>>;

/** What a test needs unless it is about just that: any free ports, a small pool, one browser of a local page server. */
const TEST_SETTINGS: ServiceSettings = {
  PORT: '0',
  CDP_PORT_BASE: '0',
  WARM_POOL_SIZE: '1',
  EGRESS_ALLOW: '127.0.0.0/8',
};

/** The real service, running as a process of its own. Disposing it stops it and checks that nothing is left, and nothing went wrong. */
export interface Service extends AsyncDisposable {
  /** Such as `http://127.0.0.1:34567`. */
  readonly address: string;
  readonly dataDir: string;
  readonly pid: number;
  /** The secret of a key with which everything is allowed; undefined where none is needed. */
  readonly key: string | undefined;
  /** Headers that carry the key, if there is one. */
  readonly headers: Readonly<Record<string, string>>;
  readonly api: Api;
  /** All it has written so far. */
  log(): string;
  /** @throws when it has logged an error so far: an error means that someone must look */
  expectNoErrors(): void;
  /** Sends a signal and resolves to the exit code when the process is gone; null when a signal ended it. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** How a service that does not start ends. */
interface FailedStart {
  readonly exitCode: number | null;
  readonly output: string;
}

/** The environment of a plain shell: nothing of what the test run itself was given. */
function environmentWith(settings: ServiceSettings): NodeJS.ProcessEnv {
  const { PATH, HOME, CHROMIUM_PATH, XVFB_PATH } = process.env;
  return {
    PATH,
    HOME,
    ...(CHROMIUM_PATH === undefined ? {} : { CHROMIUM_PATH }),
    ...(XVFB_PATH === undefined ? {} : { XVFB_PATH }),
    ...settings,
  };
}

function spawnService(settings: ServiceSettings): { child: ChildProcess; output: () => string } {
  const child = spawn(process.execPath, ['server/index.ts'], {
    cwd: CHECKOUT,
    env: environmentWith(settings),
    // A group of its own, to be told from the test's; by the channel it notices when the test is gone, and ends too.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  }
  return { child, output: () => output };
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function exitOf(child: ChildProcess, timeoutMs: number): Promise<number | null> {
  if (!hasEnded(child)) await once(child, 'exit', { signal: AbortSignal.timeout(timeoutMs) });
  return child.exitCode;
}

/** Settings that make tests faster, or are for those of a file that are left out elsewhere: the others can do without. */
const DISPENSABLE: ReadonlySet<string> = new Set(['WARM_POOL_SIZE', 'LOG_LEVEL', 'NODE_ID', 'API_KEYS']);

function refuse(what: string): never {
  throw new Error(
    `${what} of a service that was started elsewhere is not to be had: the test needs a tag that leaves it out`,
  );
}

/**
 * The service the tests are to be made on where that runs already: at `GUISE_URL`, with the secret of an admin's key in `GUISE_KEY`.
 *
 * @throws when a test needs what only one of its own could have
 */
function findServiceElsewhere(settings: ServiceSettings): Service | undefined {
  const { GUISE_URL: url, GUISE_KEY: key = '' } = process.env;
  if (url === undefined) return undefined;
  const needed = Object.keys(settings).filter((name) => !DISPENSABLE.has(name));
  if (needed.length > 0) refuse(`A setting (${needed.join(', ')})`);
  const api = connectApi(url, key);
  const made: string[] = [];
  const create: Api['create'] = async (options) => {
    const session = await api.create(options);
    made.push(session.id);
    return session;
  };
  return {
    address: url,
    key,
    headers: { authorization: `Bearer ${key}` },
    api: { ...api, create },
    get dataDir(): never {
      return refuse('The folder');
    },
    get pid(): never {
      return refuse('The process');
    },
    log: () => refuse('The log'),
    expectNoErrors: () => undefined,
    end: () => refuse('The end'),
    // It goes on, but for what its stop would have ended.
    [Symbol.asyncDispose]: async () => void (await Promise.all(made.map((id) => api.end(id)))),
  };
}

/** A data directory of the test's own, removed with `stack`. */
export async function openDataDir(stack: AsyncDisposableStack): Promise<string> {
  // Short: browsers and the database put UNIX sockets into it, whose paths have little room.
  const dataDir = await mkdtemp(path.join(tmpdir(), 'guise-at-'));
  stack.defer(() => rm(dataDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }));
  return dataDir;
}

/** Throws when the outside still sees anything of a service that has ended. */
export async function expectNothingLeft(dataDir: string, known: readonly ProcessInfo[] = []): Promise<void> {
  const left = [...listProcessesOf(dataDir), ...known.filter(isRunning)];
  if (left.length > 0)
    throw new Error(`Left running: ${left.map(({ pid, command }) => `${pid} ${command}`).join('\n')}`);
  const folders = await readdir(path.join(dataDir, 'browsers')).catch(() => []);
  if (folders.length > 0) throw new Error(`Left below ${dataDir}/browsers: ${folders.join(', ')}`);
}

/** An error in the log means that someone must look: a test that provokes one on purpose says which. */
function expectNoErrors(log: string, expected: RegExp | undefined): void {
  const entries = log
    .split(/^(?=\[[\d:.]+\] )/m)
    .filter((entry) => /^\S+ (ERROR|FATAL):/.test(entry) && expected?.test(entry) !== true);
  if (entries.length > 0)
    throw new Error(`The service logged ${entries.length} errors, the first:\n${entries[0] ?? ''}`);
}

/**
 * Starts the service on `dataDir`, which outlives it, and waits until it answers. The caller must dispose it. Where the tests are to be
 * made on a service that runs already, gives that.
 *
 * `expectedErrors`: what of its log may be an error.
 */
export async function startServiceOn(
  dataDir: string,
  settings: ServiceSettings = {},
  expectedErrors?: RegExp,
): Promise<Service> {
  const elsewhere = findServiceElsewhere(settings);
  if (elsewhere !== undefined) return elsewhere;
  const { child, output } = spawnService({ ...TEST_SETTINGS, ...settings, DATA_DIR: dataDir });
  const readAddress = (): string | undefined => /guise is ready\n\s+address: "(?<address>[^"]+)"/.exec(output())?.[1];
  const address = await until(
    'the service is ready or has ended',
    () => readAddress() ?? (hasEnded(child) ? 'ended' : undefined),
    { timeoutMs: START_TIMEOUT_MS },
  );
  if (address === 'ended') throw new Error(`The service did not start:\n${output()}`);
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal);
    return exitOf(child, STOP_TIMEOUT_MS);
  };
  return {
    address,
    dataDir,
    pid: child.pid ?? 0,
    key: undefined,
    headers: {},
    api: connectApi(address),
    log: output,
    expectNoErrors: () => expectNoErrors(output(), expectedErrors),
    end,
    async [Symbol.asyncDispose]() {
      if (hasEnded(child)) return;
      const known = listProcessesOf(dataDir);
      const exitCode = await end('SIGTERM');
      if (exitCode !== 0) throw new Error(`The service ended with ${exitCode}:\n${output()}`);
      await expectNothingLeft(dataDir, known);
      expectNoErrors(output(), expectedErrors);
    },
  };
}

/** Starts the service on a data directory of its own. `stack` stops it, checks that nothing is left, and removes that. */
export async function startService(stack: AsyncDisposableStack, settings: ServiceSettings = {}): Promise<Service> {
  const dataDir = await openDataDir(stack);
  return stack.use(await startServiceOn(dataDir, settings));
}

/** Runs a service that is expected to refuse to start, until it has ended. */
export async function runFailingStart(settings: ServiceSettings): Promise<FailedStart> {
  const { child, output } = spawnService(settings);
  const closed = once(child, 'close');
  try {
    const exitCode = await exitOf(child, START_TIMEOUT_MS);
    await closed;
    return { exitCode, output: output() };
  } finally {
    child.kill('SIGKILL');
  }
}
