import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

import { AppError } from '../lib/app-error.ts';
import { raceAbort } from '../lib/deadline.ts';
import { once } from '../lib/once.ts';
import type { BrowserHost } from './browser-spec.ts';
import type { LaunchPlan } from './launch-plan.ts';
import { FOLDER_VARIABLE } from './browser-folder.ts';
import { findDetachedHelpers, signalGroup, waitForGroupEnd, waitForProcessesEnd } from './process-tree.ts';

const ENDPOINT_LINE = /^DevTools listening on (?<endpoint>ws:\/\/\S+)$/;
/** What Chromium writes, before it goes on without it, when somebody else listens on the port it was given. */
const NO_ENDPOINT_LINE = 'Cannot start http server for devtools';
const LOG_LINES_KEPT = 50;
/** How long a killed browser may take to be gone: where many are ended at once the kernel is busy for seconds. */
const EXIT_DEADLINE_MS = 60_000;
/** How long the kernel may take to end killed processes before we stop waiting for them. */
export const KILL_DEADLINE_MS = 10_000;

/** The address it is given for its debugging port. Where that is taken it listens on the same port of `[::1]`, and says so, if it can. */
const HOST = '127.0.0.1';

/** Somebody else listened on the debugging port first: another service on this machine may have chosen the same. */
export class PortTakenError extends AppError {
  constructor(log: readonly string[]) {
    const details = { log };
    super('BROWSER_LAUNCH_FAILED', 'The browser did not start: its debugging port was taken by somebody else', {
      details,
    });
  }
}

/** How a browser process ended. */
export interface BrowserExit {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A running Chromium as the operating system sees it: a process group and a debugging address. */
export interface BrowserProcess extends AsyncDisposable {
  readonly pid: number;
  /** Browser-level debugging address, on loopback. Never shown to a client. */
  readonly endpoint: URL;
  /** Settles, never rejects, when the browser's main process is gone, for whatever reason. */
  readonly exited: Promise<BrowserExit>;
  /** Its crash handlers, which are no members of its group. */
  readonly helpers: readonly number[];
  /** The first lines the browser wrote, for error messages. */
  readonly log: readonly string[];
}

function collectLog(
  child: ChildProcess,
  log: string[],
  { onEndpoint, onNoEndpoint }: { readonly onEndpoint: (endpoint: URL) => void; readonly onNoEndpoint: () => void },
): void {
  if (child.stderr === null) return;
  // Goes on draining after start-up: a full pipe would freeze the browser.
  createInterface({ input: child.stderr }).on('line', (line) => {
    const endpoint = ENDPOINT_LINE.exec(line)?.groups?.['endpoint'];
    if (endpoint !== undefined) onEndpoint(new URL(endpoint));
    if (line.includes(NO_ENDPOINT_LINE)) onNoEndpoint();
    if (log.length < LOG_LINES_KEPT) log.push(line);
  });
}

/**
 * Starts Chromium in a process group of its own and waits until it announces its debugging address.
 *
 * The browser is killed, not asked, when disposed: what it has not written to disk by then is lost on purpose.
 *
 * @throws {AppError} BROWSER_LAUNCH_FAILED if it exits first, is cancelled or takes too long; no process is left.
 * @throws {PortTakenError}
 */
export async function startBrowserProcess(
  { executablePath, groups }: Pick<BrowserHost, 'executablePath' | 'groups'>,
  plan: LaunchPlan,
  signal: AbortSignal,
): Promise<BrowserProcess> {
  const child = spawn(executablePath, plan.args, {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: plan.environment,
  });
  const log: string[] = [];
  const announced = Promise.withResolvers<URL>();
  const gone = Promise.withResolvers<BrowserExit>();
  const failed = (why: string, cause?: unknown): AppError =>
    new AppError('BROWSER_LAUNCH_FAILED', `The browser did not start: ${why}`, { cause, details: { log } });
  const kill = (): void => {
    if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
  };

  const forget = child.pid === undefined ? undefined : groups.add(child.pid, 'SIGKILL');
  child.once('exit', (exitCode, exitSignal) => {
    // Renderers may outlive their browser. Ended now and never later: the id of the group may be reused.
    kill();
    forget?.();
    gone.resolve({ exitCode, signal: exitSignal });
    announced.reject(failed(`it exited early (${exitSignal ?? `code ${exitCode ?? '?'}`})`));
  });
  child.once('error', (error) => {
    gone.resolve({ exitCode: null, signal: null });
    announced.reject(failed('it could not be run', error));
  });
  collectLog(child, log, {
    onEndpoint: (endpoint) => {
      if (endpoint.hostname === HOST) announced.resolve(endpoint);
      else announced.reject(new PortTakenError(log));
    },
    onNoEndpoint: () => announced.reject(new PortTakenError(log)),
  });

  const folder = plan.environment[FOLDER_VARIABLE] ?? '';
  const findHelpers = (leader: number): Promise<number[]> => findDetachedHelpers(leader, FOLDER_VARIABLE, folder);
  let helpers: number[] | undefined;
  const dispose = once(async () => {
    if (child.pid === undefined) return;
    if (child.exitCode === null && child.signalCode === null) kill();
    // One that waits for the system, such as for a disk that is gone, does not end when it is killed.
    await raceAbort(gone.promise, AbortSignal.timeout(EXIT_DEADLINE_MS));
    const deadline = AbortSignal.timeout(KILL_DEADLINE_MS);
    // The crash handlers are no members of the group; they end by themselves when they see the browser gone. Broken off
    // early, the launch has not looked for them yet.
    helpers ??= await findHelpers(child.pid);
    await Promise.all([waitForGroupEnd(child.pid, deadline), waitForProcessesEnd(helpers, deadline)]);
  });
  try {
    const endpoint = await raceAbort(announced.promise, signal);
    helpers = await findHelpers(child.pid ?? 0);
    return { pid: child.pid ?? 0, endpoint, exited: gone.promise, log, helpers, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    if (error instanceof AppError) throw error;
    throw failed('it took too long or was cancelled', error);
  }
}
