import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';

import { isRunning, listProcessesOf } from '../acceptance/processes.ts';
import { until } from '../acceptance/until.ts';

const CHROMIUM_PATHS = [
  '/usr/lib/chromium/chromium',
  '/usr/lib/chromium-browser/chromium-browser',
  '/usr/bin/chromium',
];
const XVFB_PATHS = ['/usr/bin/Xvfb', '/usr/local/bin/Xvfb'];

/** What a browser needs to come up by itself; nothing of it makes a difference to a page. */
const FLAGS = [
  '--no-first-run',
  '--no-default-browser-check',
  '--password-store=basic',
  '--disable-component-update',
  '--disable-background-networking',
  // Nobody clicks here.
  '--disable-popup-blocking',
  '--window-size=1280,900',
  '--window-position=0,0',
];

function find(variable: string, paths: readonly string[]): string {
  const found = [process.env[variable] ?? '', ...paths].find((each) => each !== '' && existsSync(each));
  if (found === undefined) throw new Error(`${variable} names nothing, and there is none of ${paths.join(', ')}`);
  return found;
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  process.kill(-child.pid, 'SIGKILL');
}

async function startDisplay(stack: AsyncDisposableStack): Promise<string> {
  const child = spawn(
    find('XVFB_PATH', XVFB_PATHS),
    ['-displayfd', '3', '-screen', '0', '1920x1080x24', '-nolisten', 'tcp'],
    {
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    },
  );
  stack.defer(async () => {
    killGroup(child);
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  const [number] = (await once(child.stdio[3] as Readable, 'data', { signal: AbortSignal.timeout(15_000) })) as [
    Buffer,
  ];
  return `:${number.toString().trim()}`;
}

/**
 * Opens `url` in a Chromium that nobody drives: no debugging, no service, nothing hidden. What a detector finds in it is true
 * of this machine and not of a disguise. `stack` ends it.
 */
export async function openUnmanaged(stack: AsyncDisposableStack, url: string, headless: boolean): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'guise-control-'));
  stack.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));
  const display = headless ? undefined : await startDisplay(stack);
  const child = spawn(
    find('CHROMIUM_PATH', CHROMIUM_PATHS),
    [
      ...FLAGS,
      `--user-data-dir=${folder}`,
      ...(headless ? ['--headless=new'] : []),
      ...(process.getuid?.() === 0 ? ['--no-sandbox', '--test-type'] : []),
      url,
    ],
    {
      detached: true,
      stdio: 'ignore',
      env: {
        PATH: '/usr/local/bin:/usr/bin:/bin',
        HOME: folder,
        LANG: 'C.UTF-8',
        ...(display === undefined ? {} : { DISPLAY: display }),
      },
    },
  );
  stack.defer(async () => {
    const all = listProcessesOf(folder);
    killGroup(child);
    await until('the control browser is gone', () => !all.some(isRunning));
  });
}
