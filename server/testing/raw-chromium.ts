import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { openTestDirectory } from './test-directory.ts';
import { findTestHost } from './test-host.ts';

/** Starts a Chromium as it is, without anything of ours around it. The caller must dispose it. */
export async function launchChromium(args: readonly string[]): Promise<AsyncDisposable> {
  await using starting = new AsyncDisposableStack();
  const folder = await openTestDirectory(starting);
  const { executablePath, sandbox } = await findTestHost(folder);
  const flags = ['--headless=new', '--no-first-run', `--user-data-dir=${folder}`, ...(sandbox ? [] : ['--no-sandbox'])];
  const child = spawn(executablePath, [...flags, ...args], { detached: true, stdio: 'ignore' });
  const exited = once(child, 'exit');
  starting.defer(async () => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
    await exited;
  });
  return starting.move();
}
