import { execFileSync } from 'node:child_process';
import { appendFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { compileHelper, findCompiler, isHelperCurrent } from './hardware-helper.mjs';
import { ROOT } from './paths.mjs';

const compiler = findCompiler({ environment: process.env });
let root;
beforeEach(() => {
  root = mkdtempSync(path.join(os.tmpdir(), 'guise-helper-'));
  mkdirSync(path.join(root, 'server/native'), { recursive: true });
  cpSync(path.join(ROOT, 'server/native/hardware-helper.c'), path.join(root, 'server/native/hardware-helper.c'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));
const built = () => path.join(root, 'server/native/build/hardware-helper.so');

describe.runIf(compiler && process.platform === 'linux')('the hardware helper', () => {
  it('is made once, and again when its source has changed', async () => {
    expect(isHelperCurrent(root)).toBe(false);
    expect(await compileHelper(root, compiler)).toMatch(/^compiled/);
    expect(isHelperCurrent(root)).toBe(true);
    appendFileSync(path.join(root, 'server/native/hardware-helper.c'), '/* changed */\n');
    expect(isHelperCurrent(root)).toBe(false);
  });

  it('makes a program believe in another machine', async () => {
    await compileHelper(root, compiler);
    const ask = (name) =>
      Number(
        execFileSync('getconf', [name], {
          env: { ...process.env, LD_PRELOAD: built(), GUISE_CPU_CORES: '12', GUISE_MEMORY_MB: '4096' },
        }),
      );
    expect(ask('_NPROCESSORS_ONLN')).toBe(12);
    expect(ask('_PHYS_PAGES') * ask('PAGESIZE')).toBe(4096 * 1024 ** 2);
  });

  it('that cannot be made is reported, not left half done, and not tried again', async () => {
    appendFileSync(path.join(root, 'server/native/hardware-helper.c'), 'not C\n');
    expect(await compileHelper(root, compiler)).toMatch(/^failed/);
    expect(existsSync(built())).toBe(false);
    expect(isHelperCurrent(root)).toBe(true);
  });
});
