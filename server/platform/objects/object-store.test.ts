import { createHash, randomBytes } from 'node:crypto';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openS3Server, whyNoS3Server } from '../../testing/s3-server.ts';
import { openTestDirectory } from '../../testing/test-directory.ts';
import { deleteOlderThan } from './delete-older-than.ts';
import { FolderObjectStore } from './folder-store.ts';
import { ObjectKeyError, ObjectNotFoundError, type ObjectStore } from './object-store.ts';
import { S3ObjectStore } from './s3-store.ts';

const NEVER = new AbortController().signal;
const MIB = 1024 ** 2;

async function* chunks(...contents: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const content of contents) yield typeof content === 'string' ? Buffer.from(content) : content;
}

async function keysOf(store: ObjectStore, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}

const readText = async (store: ObjectStore, key: string): Promise<string> =>
  (await buffer(await store.open(key, NEVER))).toString();

async function openFolderStore(stack: AsyncDisposableStack): Promise<ObjectStore> {
  return FolderObjectStore.open(path.join(await openTestDirectory(stack), 'objects'));
}

async function openS3Store(stack: AsyncDisposableStack): Promise<ObjectStore> {
  const store = stack.use(new S3ObjectStore(await openS3Server(stack)));
  await store.createBucket(NEVER);
  return store;
}

const noS3 = whyNoS3Server();
const STORES = [
  { name: 'FolderObjectStore', openStore: openFolderStore, why: undefined },
  { name: 'S3ObjectStore, against a real server', openStore: openS3Store, why: noS3 },
];

// What every store promises: a store of another kind is added to the list above. Each test has its own prefix of one store.
describe.each(STORES)('$name', ({ openStore, why }) => {
  describe.skipIf(why !== undefined)(why ?? 'an object store', { timeout: 60_000 }, () => {
    const stack = new AsyncDisposableStack();
    let store: ObjectStore;
    beforeAll(async () => {
      store = await openStore(stack);
    }, 60_000);
    afterAll(() => stack.disposeAsync());

    it('gives back what was put, says its size and hash, and replaces it whole', async () => {
      const stored = await store.put('give/b.state', chunks('hello ', '', 'world'), NEVER);
      expect(stored.sizeBytes).toBe(11);
      expect(stored.sha256.toString('hex')).toBe('b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9');
      expect(await readText(store, 'give/b.state')).toBe('hello world');
      const info = await store.head('give/b.state');
      expect(info).toMatchObject({ key: 'give/b.state', sizeBytes: 11 });
      expect(info?.modifiedAt.getTime()).toBeGreaterThan(Date.parse('2026-01-01'));

      await store.put('give/b.state', chunks('other'), NEVER);
      expect(await readText(store, 'give/b.state')).toBe('other');
    });

    it('keeps an empty object', async () => {
      expect(await store.put('empty', chunks(), NEVER)).toMatchObject({ sizeBytes: 0 });
      expect(await readText(store, 'empty')).toBe('');
      expect(await store.head('empty')).toMatchObject({ sizeBytes: 0 });
    });

    it.each([8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 19 * MIB + 7])(
      'keeps %d bytes as they are',
      async (sizeBytes) => {
        const content = randomBytes(sizeBytes);
        const pieces: Buffer[] = [];
        for (let at = 0; at < sizeBytes; at += 700_001) pieces.push(content.subarray(at, at + 700_001));
        const sha256 = createHash('sha256').update(content).digest('hex');

        const stored = await store.put(`large/${sizeBytes}`, chunks(...pieces), NEVER);

        expect(stored.sizeBytes).toBe(sizeBytes);
        expect(stored.sha256.toString('hex')).toBe(sha256);
        const back = await buffer(await store.open(`large/${sizeBytes}`, NEVER));
        expect(createHash('sha256').update(back).digest('hex')).toBe(sha256);
        expect(await store.head(`large/${sizeBytes}`)).toMatchObject({ sizeBytes });
      },
      60_000,
    );

    it.each([0, 9 * MIB])(
      'keeps the object before when the content fails after %d bytes',
      async (sizeBytes) => {
        const key = `kept/${sizeBytes}`;
        await store.put(key, chunks('before'), NEVER);
        let isClosed = false;
        const failing = async function* (): AsyncGenerator<Uint8Array> {
          yield Buffer.alloc(sizeBytes);
          throw new Error('lost');
        };
        const aborted = new AbortController();
        const breakingOff = async function* (): AsyncGenerator<Uint8Array> {
          try {
            yield Buffer.alloc(sizeBytes);
            aborted.abort(new Error('stopped'));
            yield Buffer.from('more');
          } finally {
            isClosed = true;
          }
        };

        await expect(store.put(key, failing(), NEVER)).rejects.toThrow('lost');
        await expect(store.put(key, breakingOff(), aborted.signal)).rejects.toThrow('stopped');

        expect(isClosed).toBe(true);
        expect(await readText(store, key)).toBe('before');
        expect(await keysOf(store, 'kept/')).toContain(key);
        // Nothing is left of the parts that had been stored.
        expect(await store.discardUnfinished(new Date(Date.now() + 86_400_000))).toBe(0);
      },
      60_000,
    );

    it('lists by prefix in order, and forgets what is deleted, however often', async () => {
      for (const key of ['list/p/2', 'list/p/10', 'list/p/1', 'list/q/deep/er', 'list/pp']) {
        await store.put(key, chunks(key), NEVER);
      }

      expect(await keysOf(store, 'list/p/')).toEqual(['list/p/1', 'list/p/10', 'list/p/2']);
      const all = ['list/p/1', 'list/p/10', 'list/p/2', 'list/pp', 'list/q/deep/er'];
      expect(await keysOf(store, 'list/')).toEqual(all);
      expect(await keysOf(store, 'none/')).toEqual([]);

      await store.delete('list/q/deep/er');
      await store.delete('list/q/deep/er');
      expect(await keysOf(store, 'list/')).toEqual(all.slice(0, 4));
      await expect(store.open('list/q/deep/er', NEVER)).rejects.toBeInstanceOf(ObjectNotFoundError);
      expect(await store.head('list/q/deep/er')).toBeUndefined();
      expect(await store.head('list/p')).toBeUndefined();
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
      await expect(store.put(key, chunks('x'), NEVER)).rejects.toBeInstanceOf(ObjectKeyError);
      await expect(store.open(key, NEVER)).rejects.toBeInstanceOf(ObjectKeyError);
      await expect(store.head(key)).rejects.toBeInstanceOf(ObjectKeyError);
      await expect(store.delete(key)).rejects.toBeInstanceOf(ObjectKeyError);
      await expect(store.presignGet(key, { expiresInSeconds: 60 })).rejects.toBeInstanceOf(ObjectKeyError);
    });

    it('stops reading when told', async () => {
      await store.put('stop', chunks(Buffer.alloc(4 * MIB)), NEVER);
      const aborted = new AbortController();
      const stream = await store.open('stop', aborted.signal);
      aborted.abort();
      await expect(buffer(stream)).rejects.toThrow(/abort/i);
      await expect(store.open('stop', aborted.signal)).rejects.toThrow(/abort/i);
    });

    it('deletes what is older than a moment, below a prefix', async () => {
      for (const key of ['old/a', 'old/b', 'older']) await store.put(key, chunks('x'), NEVER);
      const before = new Date(Date.now() - 86_400_000);
      const after = new Date(Date.now() + 86_400_000);

      expect(await deleteOlderThan(store, { prefix: 'old/', moment: before }, NEVER)).toBe(0);
      expect(await keysOf(store, 'old/')).toEqual(['old/a', 'old/b']);
      expect(await deleteOlderThan(store, { prefix: 'old/', moment: after }, NEVER)).toBe(2);
      expect(await keysOf(store, 'old/')).toEqual([]);
      expect(await store.head('older')).toBeDefined();
    });

    it('takes many objects of one folder being put and deleted at once', async () => {
      await Promise.all(
        Array.from({ length: 20 }, async (_, index) => {
          await store.put(`many/${index}`, chunks('x'), NEVER);
          if (index % 2 === 0) await store.delete(`many/${index}`);
        }),
      );
      expect(await keysOf(store, 'many/')).toHaveLength(10);
    });

    it('says that it can be used', async () => {
      await expect(store.check(NEVER)).resolves.toBeUndefined();
      await expect(store.check(AbortSignal.abort(new Error('no time')))).rejects.toThrow('no time');
    });
  });
});
