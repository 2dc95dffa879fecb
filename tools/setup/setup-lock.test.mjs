import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterEach, beforeEach, expect, it } from 'vitest';

import { acquireSetupLock } from './setup-lock.mjs';

let folder;
let file;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'guise-lock-'));
  file = path.join(folder, 'lock');
});
afterEach(() => rmSync(folder, { recursive: true }));

it('lets one in at a time', async () => {
  let inside = 0;
  let most = 0;
  const visit = async () => {
    const release = await acquireSetupLock(file);
    inside += 1;
    most = Math.max(most, inside);
    await new Promise((resolve) => setTimeout(resolve, 5));
    inside -= 1;
    release();
  };
  await Promise.all([visit(), visit(), visit()]);
  expect(most).toBe(1);
  expect(readdirSync(folder)).toEqual([]);
});

it('takes over from a holder that is dead', async () => {
  const { pid } = spawnSync('true');
  writeFileSync(file, `${pid} 12345`);
  const release = await acquireSetupLock(file);
  expect(readdirSync(folder)).toEqual(['lock']);
  release();
  expect(existsSync(file)).toBe(false);
});

it('is not fooled by another process that got the id of a dead holder', async () => {
  writeFileSync(file, `${process.ppid} 1`);
  const release = await acquireSetupLock(file);
  release();
});
