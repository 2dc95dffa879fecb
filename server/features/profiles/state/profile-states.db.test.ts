import { randomBytes, randomUUID } from 'node:crypto';
import { readdirSync, readlinkSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';

import { describe, expect, it } from 'vitest';

import { silentLogger } from '../../../platform/logger/logger.ts';
import { FolderObjectStore } from '../../../platform/objects/index.ts';
import { SAMPLE_FINGERPRINT } from '../../../testing/sample-fingerprint.ts';
import { openTestDatabase } from '../../../testing/test-database.ts';
import { openTestDirectory } from '../../../testing/test-directory.ts';
import { until } from '../../../testing/until.ts';
import type { StateRecord } from '../profile-record.ts';
import { ProfileRepository } from '../profile-repository.ts';
import { ProfileStates } from './profile-states.ts';
import { type StateFile, textFile } from './state-archive.ts';
import { STATE_FORMAT } from './state-head.ts';
import { StateRepository } from './state-repository.ts';

const NEVER = new AbortController().signal;
const HEAD = { format: STATE_FORMAT, chromiumVersion: '156.0.0.0', cookies: null } as const;
const FILE = 'Default/IndexedDB/content';

async function* files(text: string): AsyncGenerator<StateFile> {
  yield textFile(FILE, text);
}

function listOpenFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      // Closed meanwhile.
      return [];
    }
  });
}

async function openParts(stack: AsyncDisposableStack) {
  const db = await openTestDatabase(stack);
  const root = path.join(await openTestDirectory(stack), 'objects');
  const objects = await FolderObjectStore.open(root);
  const profiles = new ProfileRepository(db, 'node-a');
  const key = randomBytes(32);
  const open = (...keys: [Buffer, ...Buffer[]]): ProfileStates =>
    new ProfileStates({ states: new StateRepository(db, 'node-a'), objects, keys, logger: silentLogger });
  const states = open(key);
  const [profile] = await profiles.insert([
    {
      ownerKeyId: null,
      name: 'Test',
      notes: '',
      folder: null,
      tags: [],
      defaultProxyId: null,
      fingerprint: SAMPLE_FINGERPRINT,
    },
  ]);
  const id = profile?.id ?? '';
  const save = (text: string, writer: string | null = null): Promise<StateRecord> =>
    states.save(id, { head: HEAD, files: files(text), writer }, NEVER);
  const read = async (record: StateRecord, from = states): Promise<string> => {
    await using state = await from.open(id, record, NEVER);
    let text = '';
    for await (const { content } of state.files) text += (await buffer(content)).toString();
    return text;
  };
  const keys = async (): Promise<string[]> => {
    const found: string[] = [];
    for await (const each of objects.list('')) found.push(each.key);
    return found;
  };
  return { db, root, objects, profiles, states, open, key, id, save, read, keys };
}

describe('ProfileStates', () => {
  it('keeps the newest versions, reads any of them, and deletes the objects of the others', async () => {
    await using stack = new AsyncDisposableStack();
    const { states, profiles, id, save, read, keys } = await openParts(stack);
    for (const text of ['one', 'two', 'three', 'four', 'five']) await save(text);

    const versions = await states.list(id);
    expect(versions.map(({ version }) => version)).toEqual([5, 4, 3]);
    expect(await Promise.all(versions.map((version) => read(version)))).toEqual(['five', 'four', 'three']);
    expect((await keys()).sort()).toEqual(versions.map(({ objectKey }) => objectKey).sort());
    expect((await profiles.find(id))?.state).toEqual(versions[0]);
    expect(versions[0]).toMatchObject({ chromiumVersion: '156.0.0.0', savedBySessionId: null });

    await states.deleteAll(id);
    expect(await keys()).toEqual([]);
  });

  it('has nothing readable on disk', async () => {
    await using stack = new AsyncDisposableStack();
    const { root, save } = await openParts(stack);
    const { objectKey, sizeBytes } = await save('secret '.repeat(100));
    const stored = await readFile(path.join(root, objectKey));
    expect(stored.length).toBe(sizeBytes);
    for (const text of ['secret', 'IndexedDB', 'state.json']) expect(stored.includes(text)).toBe(false);
  });

  it('says why a state cannot be read: another key, damage, or it is gone', async () => {
    await using stack = new AsyncDisposableStack();
    const { root, open, key, save, read, objects } = await openParts(stack);
    const record = await save('content');
    const file = path.join(root, record.objectKey);

    await expect(read(record, open(randomBytes(32)))).rejects.toMatchObject({
      code: 'PROFILE_STATE_UNREADABLE',
      message: expect.stringContaining('another key') as string,
    });
    expect(await read(record, open(randomBytes(32), key))).toBe('content');

    await writeFile(file, (await readFile(file)).subarray(0, -1));
    await expect(read(record)).rejects.toMatchObject({
      code: 'PROFILE_STATE_UNREADABLE',
      message: expect.stringContaining('damaged') as string,
    });

    await objects.delete(record.objectKey);
    await expect(read(record)).rejects.toMatchObject({ code: 'PROFILE_STATE_UNREADABLE' });
  });

  it('lets go of a state that is not read to its end', async () => {
    await using stack = new AsyncDisposableStack();
    const { root, states, id, save, read } = await openParts(stack);
    const record = await save(randomBytes(3_000_000).toString('base64'));
    const isOpen = (): boolean => listOpenFiles().some((file) => file.startsWith(root));
    {
      await using state = await states.open(id, record, NEVER);
      expect(state.head).toEqual(HEAD);
      expect(isOpen()).toBe(true);
    }
    {
      await using state = await states.open(id, record, NEVER);
      for await (const { path: name } of state.files) {
        expect(name).toBe(FILE);
        break;
      }
    }
    await until(() => !isOpen());
    expect(await read(record)).toHaveLength(4_000_000);
  });

  it('opens no state in the place of another', async () => {
    await using stack = new AsyncDisposableStack();
    const { root, save, read } = await openParts(stack);
    const [older, newer] = [await save('older'), await save('newer')];
    await writeFile(path.join(root, newer.objectKey), await readFile(path.join(root, older.objectKey)));
    await expect(read(newer)).rejects.toMatchObject({ code: 'PROFILE_STATE_UNREADABLE' });
  });

  it('writes only for who wears the profile, and leaves nothing of what came too late', async () => {
    await using stack = new AsyncDisposableStack();
    const { profiles, states, id, save, keys } = await openParts(stack);
    const [holder, other] = [randomUUID(), randomUUID()];
    await profiles.lock(id, holder);

    await expect(save('x')).rejects.toMatchObject({ code: 'PROFILE_LOCKED' });
    await expect(save('x', other)).rejects.toMatchObject({ code: 'PROFILE_LOCKED' });
    expect((await save('mine', holder)).version).toBe(1);

    // Taken over while it is being stored.
    const slow = async function* (): AsyncGenerator<StateFile> {
      yield* files('late');
      await profiles.unlock(id, holder);
      await profiles.lock(id, other);
    };
    const late = states.save(id, { head: HEAD, files: slow(), writer: holder }, NEVER);
    await expect(late).rejects.toMatchObject({ code: 'PROFILE_LOCKED' });
    expect((await states.list(id)).map(({ version }) => version)).toEqual([1]);
    expect(await keys()).toHaveLength(1);
  });

  it('keeps the version before when a save fails, and later cleans up after one that was killed', async () => {
    await using stack = new AsyncDisposableStack();
    const { db, objects, states, id, save, read, keys } = await openParts(stack);
    await save('good');
    const failing = async function* (): AsyncGenerator<StateFile> {
      yield* files('half');
      throw new Error('the disk is gone');
    };
    await expect(states.save(id, { head: HEAD, files: failing(), writer: null }, NEVER)).rejects.toThrow(
      'disk is gone',
    );
    expect(await keys()).toHaveLength(1);

    // What a service that was killed leaves: a version begun, and perhaps its object.
    const objectKey = `profiles/${id}/left-behind.state`;
    await new StateRepository(db, 'node-a').begin(id, { writer: null, objectKey, chromiumVersion: null });
    await objects.put(
      objectKey,
      (async function* () {
        yield Buffer.from('x');
      })(),
      NEVER,
    );
    const [newest] = await states.list(id);
    expect(newest && (await read(newest))).toBe('good');

    await save('better');
    expect(await keys()).not.toContain(objectKey);
    expect(await db.query('select version from profile_states where saved_at is null')).toEqual([]);
  });
});
