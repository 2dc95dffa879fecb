import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';

import { raceAbort } from '../server/lib/deadline.ts';
import { ServiceClient } from './service-client.ts';

const ROOT = path.join(import.meta.dirname, '..');
const READY_MESSAGE = 'guise is ready';
const ADDRESS = /https?:\/\/[\w.:[\]-]+/;
const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 40_000;
const LOG_LINES_SHOWN = 30;
/** Warm browsers the service keeps: its own default, said here because the numbers depend on it. */
const WARM_POOL_SIZE = 5;
/** What a session may reach where private networks are refused: the page the benchmark serves is on loopback. */
const REACHABLE = '127.0.0.0/8';
/** Settings of the host a benchmark passes on; of all others the service has its defaults. */
const PASSED_ON = ['PATH', 'HOME', 'LANG', 'CHROMIUM_PATH', 'BROWSER_SANDBOX'];

/** A service of our own, running as its users run it. */
export interface GuiseService extends AsyncDisposable {
  readonly pid: number;
  readonly client: ServiceClient;
  /** The last lines it logged, for error messages. */
  readonly log: readonly string[];
}

interface ServiceLog {
  readonly lines: string[];
  /** Resolves with the address of the API. */
  readonly address: Promise<string>;
}

function followLog(child: ChildProcess): ServiceLog {
  const lines: string[] = [];
  const { promise, resolve } = Promise.withResolvers<string>();
  let isReady = false;
  for (const input of [child.stdout, child.stderr]) {
    if (input === null) continue;
    createInterface({ input }).on('line', (line) => {
      lines.push(line);
      if (lines.length > LOG_LINES_SHOWN) lines.shift();
      isReady ||= line.includes(READY_MESSAGE);
      // In a readable log the address stands on a line of its own, after the message.
      const address = isReady ? ADDRESS.exec(line)?.[0] : undefined;
      if (address !== undefined) resolve(address);
    });
  }
  return { lines, address: promise };
}

function planEnvironment(dataDir: string): Record<string, string> {
  const passedOn = PASSED_ON.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    ...Object.fromEntries(passedOn),
    DATA_DIR: dataDir,
    PORT: '0',
    CDP_PORT_BASE: '0',
    WARM_POOL_SIZE: String(WARM_POOL_SIZE),
    EGRESS_ALLOW: REACHABLE,
    // A benchmark asks one session for more than people do.
    MAX_REQUESTS_PER_SESSION: '1000000000',
  };
}

/** Asks the service to stop. @throws when it does not in time, or does not end well */
async function stop(child: ChildProcess, ended: Promise<unknown>, log: ServiceLog): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGTERM');
    const lastResort = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await ended;
    clearTimeout(lastResort);
  }
  if (child.exitCode !== 0) throw new Error(`The service ended badly:\n${log.lines.join('\n')}`);
}

/**
 * Starts the service on a free port, with its data in `dataDir`. The caller must dispose it.
 *
 * It has a process group of its own, so that Ctrl-C at a terminal reaches only us, and a channel to us that closes when
 * we are killed: then it stops by itself.
 *
 * @throws with the end of its log when it does not start
 */
export async function startGuiseService(dataDir: string, signal: AbortSignal): Promise<GuiseService> {
  const child = spawn(process.execPath, ['server/index.ts'], {
    cwd: ROOT,
    env: planEnvironment(dataDir),
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const log = followLog(child);
  const ended = once(child, 'exit');
  await using starting = new AsyncDisposableStack();
  starting.defer(() => stop(child, ended, log));
  const address = await raceAbort(
    Promise.race([log.address, ended.then(() => undefined)]),
    AbortSignal.any([signal, AbortSignal.timeout(START_TIMEOUT_MS)]),
  );
  if (address === undefined) throw new Error(`The service did not start:\n${log.lines.join('\n')}`);
  const client = starting.use(new ServiceClient(address));
  const running = starting.move();
  return { pid: child.pid ?? 0, client, log: log.lines, [Symbol.asyncDispose]: () => running.disposeAsync() };
}
