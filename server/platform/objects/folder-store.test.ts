import { mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { describe, expect, it } from 'vitest';

import { openTestDirectory } from '../../testing/test-directory.ts';
import { FolderObjectStore } from './folder-store.ts';

const NEVER = new AbortController().signal;

async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

async function openStore(stack: AsyncDisposableStack): Promise<{ store: FolderObjectStore; root: string }> {
  const root = path.join(await openTestDirectory(stack), 'objects');
  return { store: await FolderObjectStore.open(root), root };
}

async function keysOf(store: FolderObjectStore, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}

describe('FolderObjectStore', () => {
  it('leaves nothing half written of an object whose content fails', async () => {
    await using stack = new AsyncDisposableStack();
    const { store, root } = await openStore(stack);
    const failing = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('half');
      throw new Error('lost');
    };

    await expect(store.put('new/one', failing(), NEVER)).rejects.toThrow('lost');

    expect(await keysOf(store, '')).toEqual([]);
    expect(await readdir(path.join(root, '.partial'))).toEqual([]);
  });

  it('leaves no empty folder when objects are deleted', async () => {
    await using stack = new AsyncDisposableStack();
    const { store, root } = await openStore(stack);
    for (const key of ['p/1', 'q/deep/er', 'pp']) await store.put(key, chunks(key), NEVER);

    await store.delete('q/deep/er');

    expect((await readdir(root)).sort()).toEqual(['.partial', 'p', 'pp']);
  });

  it('lists nothing through a link that leads out of it', async () => {
    await using stack = new AsyncDisposableStack();
    const { store, root } = await openStore(stack);
    const outside = path.join(path.dirname(root), 'outside');
    await mkdir(outside);
    await writeFile(path.join(outside, 'secret'), 'x');
    await symlink(outside, path.join(root, 'link'));

    expect(await keysOf(store, '')).toEqual([]);
    expect(await keysOf(store, 'link/')).toEqual([]);
  });

  it('removes what a killed service had half written', async () => {
    await using stack = new AsyncDisposableStack();
    const { root } = await openStore(stack);
    await writeFile(path.join(root, '.partial', 'left'), 'half');

    await FolderObjectStore.open(root);

    expect(await readdir(path.join(root, '.partial'))).toEqual([]);
  });

  it('discards only what was half written before a moment', async () => {
    await using stack = new AsyncDisposableStack();
    const { store, root } = await openStore(stack);
    await writeFile(path.join(root, '.partial', 'left'), 'half');

    expect(await store.discardUnfinished(new Date(Date.now() - 86_400_000))).toBe(0);
    expect(await store.discardUnfinished(new Date(Date.now() + 86_400_000))).toBe(1);
    expect(await readdir(path.join(root, '.partial'))).toEqual([]);
  });

  it('has no addresses of its own for objects', async () => {
    await using stack = new AsyncDisposableStack();
    const { store } = await openStore(stack);
    await expect(store.presignGet('a')).resolves.toBeUndefined();
  });

  it('says that it cannot be used when its folder is gone', async () => {
    await using stack = new AsyncDisposableStack();
    const { store, root } = await openStore(stack);
    await rm(root, { recursive: true });
    await expect(store.check(NEVER)).rejects.toMatchObject({ name: 'ObjectStoreError', code: 'ENOENT' });
  });
});
