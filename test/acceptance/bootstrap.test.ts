import { execFile, execFileSync } from 'node:child_process';
import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const CHECKOUT = path.resolve(import.meta.dirname, '../..');
const INSTALL_TIMEOUT_MS = 10 * 60_000;

/** Loaded into the bootstrap: makes this machine one without the programs that match, used by someone who is not root. */
const BARE_MACHINE = `
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
const { accessSync } = fs;
fs.accessSync = (file, mode) => {
  if (/chromium|chrome|Xvfb|apt-get/i.test(path.basename(String(file)))) throw new Error('not on this machine');
  accessSync(file, mode);
};
process.getuid = () => 1000;
syncBuiltinESMExports();
`;

interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The environment of a user's shell: nothing of what the test run itself was given. */
function plainEnvironment(): NodeJS.ProcessEnv {
  const folders = (process.env['PATH'] ?? '')
    .split(path.delimiter)
    .filter((folder) => !folder.includes('node_modules'));
  const kept = Object.entries(process.env).filter(([name]) => !/^(npm_|VITEST|CHROMIUM_PATH|XVFB_PATH)/.test(name));
  return { ...Object.fromEntries(kept), PATH: folders.join(path.delimiter) };
}

function runNode(folder: string, args: readonly string[]): Promise<Outcome> {
  const options = { cwd: folder, env: plainEnvironment() };
  return new Promise((resolve) => {
    const child = execFile('node', args, options, (_error, stdout, stderr) => {
      resolve({ exitCode: child.exitCode ?? -1, stdout, stderr });
    });
  });
}

/** Copies what a commit of everything in the working tree would hold. */
async function cloneWorkingTree(folder: string): Promise<void> {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', '-z'];
  const files = execFileSync('git', args, { cwd: CHECKOUT, encoding: 'utf8' }).split('\0').filter(Boolean);
  await Promise.all(
    files.map((file) =>
      // Tracked, but removed from the working tree: no part of it.
      cp(path.join(CHECKOUT, file), path.join(folder, file)).catch(() => undefined),
    ),
  );
}

describe('set-up in a fresh clone', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'guise-clone-'));
    await cloneWorkingTree(folder);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('says in one message what is missing and how to get it, where it may not install', async () => {
    const preload = path.join(folder, 'bare-machine.mjs');
    await writeFile(preload, BARE_MACHINE);
    const outcome = await runNode(folder, ['--import', preload, 'tools/start.mjs']);
    await rm(preload);

    expect(outcome.exitCode).toBe(1);
    expect(outcome.stderr).toMatch(/Set-up failed\.\nMissing: Chromium.*\nSet-up .*\nInstall it with:\n\n {4}\S+/);
    expect(outcome.stderr).toContain('Or set CHROMIUM_PATH to the binary of a Chromium or Chrome that you have.');
    expect(outcome.stderr).not.toMatch(/^ +at /m);
    expect(await readdir(folder)).not.toContain('node_modules');
  });

  it('installs everything the first time, and does nothing the second', { timeout: INSTALL_TIMEOUT_MS }, async () => {
    const first = await runNode(folder, ['tools/setup.mjs']);
    expect(first.stderr).toContain('Dependencies (npm ci)');
    expect(first.stderr).toMatch(/Node 24\.\d+\.\d+ at node_modules/);
    expect(first.stderr).toMatch(/Chromium \d+\./);
    expect(first.stderr).toContain('Set-up: done.');
    expect(first.exitCode).toBe(0);

    const second = await runNode(folder, ['tools/setup.mjs']);
    expect(second).toEqual({ exitCode: 0, stdout: '', stderr: 'Set-up: nothing to do.\n' });
    expect(await readdir(folder)).not.toContain('.guise-setup.lock');
  });
});
