import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';

import { describe, expect, it } from 'vitest';

import { openTestDirectory } from '../../testing/test-directory.ts';
import { FolderObjectStore } from './folder-store.ts';
import { ObjectKeyError, ObjectNotFoundError } from './object-store.ts';

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
  it('gives back what was put, says its size and hash, and replaces it whole', async () => {
    await using stack = new AsyncDisposableStack();
    const { store } = await openStore(stack);

    const stored = await store.put('a/b.state', chunks('hello ', '', 'world'), NEVER);
    expect(stored.sizeBytes).toBe(11);
    expect(stored.sha256.toString('hex')).toBe('b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9');
    expect((await buffer(await store.open('a/b.state', NEVER))).toString()).toBe('hello world');
    expect(await store.head('a/b.state')).toMatchObject({ key: 'a/b.state', sizeBytes: 11 });

    await store.put('a/b.state', chunks('other'), NEVER);
    expect((await buffer(await store.open('a/b.state', NEVER))).toString()).toBe('other');
  });

  it('shows nothing of an object whose content fails, or that is broken off, and keeps the one before', async () => {
    await using stack = new AsyncDisposableStack();
    const { store, root } = await openStore(stack);
    await store.put('kept', chunks('before'), NEVER);
    const failing = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('half');
      throw new Error('lost');
    };
    const aborted = new AbortController();
    const breakingOff = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('half');
      aborted.abort(new Error('stopped'));
      yield Buffer.from('more');
    };

    await expect(store.put('kept', failing(), NEVER)).rejects.toThrow('lost');
    await expect(store.put('new/one', breakingOff(), aborted.signal)).rejects.toThrow('stopped');

    expect((await buffer(await store.open('kept', NEVER))).toString()).toBe('before');
    expect(await keysOf(store, '')).toEqual(['kept']);
    expect(await readdir(path.join(root, '.partial'))).toEqual([]);
  });

  it('lists by prefix in order, and leaves no empty folder when objects are deleted', async () => {
    await using stack = new AsyncDisposableStack();
    const { store, root } = await openStore(stack);
    for (const key of ['p/2', 'p/10', 'p/1', 'q/deep/er', 'pp']) await store.put(key, chunks(key), NEVER);

    expect(await keysOf(store, 'p/')).toEqual(['p/1', 'p/10', 'p/2']);
    expect(await keysOf(store, '')).toEqual(['p/1', 'p/10', 'p/2', 'pp', 'q/deep/er']);
    expect(await keysOf(store, 'none/')).toEqual([]);

    await store.delete('q/deep/er');
    await store.delete('q/deep/er');
    expect((await readdir(root)).sort()).toEqual(['.partial', 'p', 'pp']);
    await expect(store.open('q/deep/er', NEVER)).rejects.toBeInstanceOf(ObjectNotFoundError);
    expect(await store.head('p')).toBeUndefined();
  });

  it.each([
    '',
    '/etc/passwd',
    '../up',
    'a/../b',
    'a//b',
    'a/',
    './a',
    '.partial/x',
    'a\0b',
    'ä',
    'a\\b',
    'x'.repeat(600),
  ])('takes no key like %j', async (key) => {
    await using stack = new AsyncDisposableStack();
    const { store } = await openStore(stack);

    await expect(store.put(key, chunks('x'), NEVER)).rejects.toBeInstanceOf(ObjectKeyError);
    await expect(store.open(key, NEVER)).rejects.toBeInstanceOf(ObjectKeyError);
    await expect(store.head(key)).rejects.toBeInstanceOf(ObjectKeyError);
    await expect(store.delete(key)).rejects.toBeInstanceOf(ObjectKeyError);
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

  it('takes many objects of one folder being put and deleted at once', async () => {
    await using stack = new AsyncDisposableStack();
    const { store } = await openStore(stack);
    await Promise.all(
      Array.from({ length: 40 }, async (_, index) => {
        await store.put(`dir/${index}`, chunks('x'), NEVER);
        if (index % 2 === 0) await store.delete(`dir/${index}`);
      }),
    );
    expect(await keysOf(store, 'dir/')).toHaveLength(20);
  });
});
