import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

import { afterEach, beforeEach, expect, it } from 'vitest';

const RUN_SERVICE = pathToFileURL(path.join(import.meta.dirname, 'run-service.mjs')).href;

/** A service that writes down what it is told, and ends as ours does. */
const SERVICE = `
import { appendFileSync } from 'node:fs';
const note = (text) => appendFileSync(process.argv[2], text + '\\n');
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    note(signal);
    setTimeout(() => process.exit(7), 100);
  });
}
process.on('disconnect', () => {
  note('disconnect');
  process.exit(0);
});
setInterval(() => {}, 1000);
note('up ' + process.pid);
`;

let folder;
let notes;
let launcher;

const readNotes = () => {
  try {
    return readFileSync(notes, 'utf8').trim().split('\n');
  } catch {
    return [];
  }
};
function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
const servicePid = () => Number(readNotes()[0].split(' ')[1]);
const ended = () => new Promise((resolve) => launcher.on('exit', (code, signal) => resolve(signal ?? code)));

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'guise-launch-'));
  notes = path.join(folder, 'notes');
  writeFileSync(path.join(folder, 'service.mjs'), SERVICE);
  writeFileSync(
    path.join(folder, 'launcher.mjs'),
    `import { runService } from ${JSON.stringify(RUN_SERVICE)};
     process.exitCode = await runService(process.execPath, process.argv.slice(2), process.env);`,
  );
  const args = ['launcher.mjs', path.join(folder, 'service.mjs'), notes];
  launcher = spawn(process.execPath, args, { cwd: folder, stdio: 'ignore' });
  await expect.poll(() => readNotes().length, { timeout: 10_000 }).toBe(1);
});
afterEach(async () => {
  launcher.kill('SIGKILL');
  await expect.poll(() => isAlive(servicePid()), { timeout: 5_000 }).toBe(false);
  rmSync(folder, { recursive: true });
});

it("passes a signal on once, however many echoes it has, and ends with the service's exit code", async () => {
  const end = ended();
  launcher.kill('SIGINT');
  launcher.kill('SIGTERM');
  launcher.kill('SIGHUP');
  expect(await end).toBe(7);
  expect(readNotes().slice(1)).toHaveLength(1);
});

it('lets the service know when it is killed outright', async () => {
  const end = ended();
  launcher.kill('SIGKILL');
  expect(await end).toBe('SIGKILL');
  await expect.poll(() => readNotes()[1]).toBe('disconnect');
});

it('reports a service that was killed as a shell would', async () => {
  const end = ended();
  process.kill(servicePid(), 'SIGKILL');
  expect(await end).toBe(128 + 9);
});
