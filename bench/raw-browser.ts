import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';

import { raceAbort } from '../server/lib/deadline.ts';
import { once } from '../server/lib/once.ts';
import { CdpClient } from './cdp-client.ts';
import { listGroup, waitForEnd } from './process-facts.ts';

const ENDPOINT_LINE = /^DevTools listening on (?<endpoint>ws:\/\/\S+)$/;
const START_TIMEOUT_MS = 60_000;
const END_TIMEOUT_MS = 30_000;

/** The least that gives a browser to automate, with a window of the size a session's page has. */
const MINIMAL_FLAGS = [
  '--headless=new',
  '--remote-debugging-port=0',
  '--no-first-run',
  '--no-default-browser-check',
  '--window-size=1280,807',
];

/** Which Chromium to start, and where. */
export interface RawBrowserPlan {
  readonly executablePath: string;
  /** See `SessionBrowser`. */
  readonly hostFlags: readonly string[];
  /** Folder in which each browser gets a folder of its own: on the disk the sessions' folders are on. */
  readonly parentDir: string;
}

/** A Chromium without any service around it. Whoever launched it must dispose it. */
export interface RawBrowser extends AsyncDisposable {
  /** Its main process, which leads a process group. */
  readonly pid: number;
  readonly folder: string;
  /** CDP address of the browser. */
  readonly endpoint: URL;
  /** Milliseconds from before the start of the process until its first answer over CDP. */
  readonly startedInMs: number;
  /** SIGKILL to the whole group. */
  kill(): void;
}

function killGroup(child: ChildProcess): void {
  // Once the leader has been reaped, the id of the group may be somebody else's.
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  process.kill(-child.pid, 'SIGKILL');
}

/** Resolves with the debugging address. Goes on reading afterwards: a full pipe would freeze the browser. */
function followEndpoint(child: ChildProcess): Promise<URL> {
  const { promise, resolve, reject } = Promise.withResolvers<URL>();
  child.once('error', reject);
  child.once('exit', () => reject(new Error('The raw browser ended while it was being started')));
  if (child.stderr !== null) {
    createInterface({ input: child.stderr }).on('line', (line) => {
      const endpoint = ENDPOINT_LINE.exec(line)?.groups?.['endpoint'];
      if (endpoint !== undefined) resolve(new URL(endpoint));
    });
  }
  return promise;
}

async function answerOnce(endpoint: URL, signal: AbortSignal): Promise<void> {
  using client = await CdpClient.open(endpoint, signal);
  await client.send('Browser.getVersion');
}

/** Starts a Chromium with the least of flags and waits until it answers over CDP. */
export async function launchRawBrowser(plan: RawBrowserPlan, signal: AbortSignal): Promise<RawBrowser> {
  await using starting = new AsyncDisposableStack();
  const folder = await mkdtemp(path.join(plan.parentDir, 'raw-'));
  starting.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }));
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(START_TIMEOUT_MS)]);

  const startedAt = performance.now();
  const flags = [`--user-data-dir=${path.join(folder, 'profile')}`, ...MINIMAL_FLAGS, ...plan.hostFlags];
  const child = spawn(plan.executablePath, [...flags, 'about:blank'], {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: folder, TMPDIR: folder, LANG: 'C.UTF-8' },
  });
  const { pid } = child;
  starting.defer(async () => {
    const members = pid === undefined ? [] : await listGroup(pid);
    killGroup(child);
    await waitForEnd(members, AbortSignal.timeout(END_TIMEOUT_MS));
  });
  const endpoint = await raceAbort(followEndpoint(child), deadline);
  await answerOnce(endpoint, deadline);
  const startedInMs = performance.now() - startedAt;

  const running = starting.move();
  return {
    pid: pid ?? 0,
    folder,
    endpoint,
    startedInMs,
    kill: () => killGroup(child),
    [Symbol.asyncDispose]: once(() => running.disposeAsync()),
  };
}
