import { symlink } from 'node:fs/promises';
import path from 'node:path';

import { describe, expect, it } from 'vitest';

import { openTestDirectory } from '../testing/test-directory.ts';
import { DataDirHeldError, holdDataDir } from './data-dir-lock.ts';

describe('a data directory', () => {
  it('is held by one service at a time, under whatever name, and says by whom', async () => {
    await using stack = new AsyncDisposableStack();
    const dataDir = await openTestDirectory(stack);
    const otherName = path.join(await openTestDirectory(stack), 'link');
    await symlink(dataDir, otherName);

    const held = stack.use(await holdDataDir(dataDir, 4_711));
    await expect(holdDataDir(otherName, 1)).rejects.toThrow(DataDirHeldError);
    await expect(holdDataDir(dataDir, 1)).rejects.toMatchObject({ holder: 'process 4711' });

    await held[Symbol.asyncDispose]();
    stack.use(await holdDataDir(dataDir, 2));
  });
});
