import { randomUUID } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import type { Database } from '../../platform/postgres/index.ts';
import { SAMPLE_FINGERPRINT } from '../../testing/sample-fingerprint.ts';
import { openTestDatabase } from '../../testing/test-database.ts';
import type { NewProfile, ProfileRecord } from './profile-record.ts';
import { ProfileRepository } from './profile-repository.ts';

function newProfile(changes: Partial<NewProfile> = {}): NewProfile {
  const fingerprint = SAMPLE_FINGERPRINT;
  return {
    ownerKeyId: null,
    name: 'Test',
    notes: '',
    folder: null,
    tags: [],
    defaultProxyId: null,
    fingerprint,
    ...changes,
  };
}

async function openRepository(
  stack: AsyncDisposableStack,
): Promise<{ db: Database; profiles: ProfileRepository; add: (changes?: Partial<NewProfile>) => Promise<string> }> {
  const db = await openTestDatabase(stack);
  const profiles = new ProfileRepository(db, 'node-a');
  const add = async (changes?: Partial<NewProfile>): Promise<string> => {
    const [{ id } = { id: '' }] = await profiles.insert([newProfile(changes)]);
    return id;
  };
  return { db, profiles, add };
}

describe('ProfileRepository', () => {
  it('gives back what was written, many at once too', async () => {
    await using stack = new AsyncDisposableStack();
    const { profiles } = await openRepository(stack);
    const wanted = [
      newProfile({ name: 'One "quoted" ü', notes: 'n\nn', folder: 'a/b', tags: ['x', 'y, "z"'] }),
      newProfile({ name: 'Two', fingerprint: { ...SAMPLE_FINGERPRINT, os: 'linux' } }),
    ];
    const written = await profiles.insert(wanted);
    expect(written).toMatchObject(wanted);
    expect(await profiles.find(written[0]?.id ?? '')).toEqual(written[0]);
    expect(written[0]).toMatchObject({ state: null, lockedBy: null, useCount: 0, lastUsedAt: null });
  });

  it('pages through a list without leaving out or repeating any, also when the last one of a page was deleted', async () => {
    await using stack = new AsyncDisposableStack();
    const { profiles } = await openRepository(stack);
    await profiles.insert(Array.from({ length: 23 }, (_, index) => newProfile({ name: `n${index}` })));

    const seen: ProfileRecord[] = [];
    for (;;) {
      const page = await profiles.list({ limit: 4, after: seen.at(-1) });
      if (page.length === 0) break;
      seen.push(...page);
      await profiles.delete(page.at(-1)?.id ?? '');
    }
    // The newest first: of those written at once, the last.
    expect(seen.map(({ name }) => name)).toEqual(Array.from({ length: 23 }, (_, index) => `n${22 - index}`));
  });

  it('filters by tag, system, language, beginning of the name and folder', async () => {
    await using stack = new AsyncDisposableStack();
    const { profiles, add } = await openRepository(stack);
    const german = { ...SAMPLE_FINGERPRINT, os: 'macos', locale: 'de-DE' } as const;
    const one = await add({ name: 'Shop_1', tags: ['shop', 'eu'], folder: 'Shops', fingerprint: german });
    const two = await add({ name: 'shopX2', tags: ['shop'] });

    const idsOf = async (filter: object): Promise<string[]> =>
      (await profiles.list({ limit: 10, ...filter })).map(({ id }) => id);
    expect(await idsOf({ tag: 'shop' })).toEqual([two, one]);
    expect(await idsOf({ tag: 'eu' })).toEqual([one]);
    expect(await idsOf({ os: 'macos' })).toEqual([one]);
    expect(await idsOf({ locale: 'en-US', os: 'windows' })).toEqual([two]);
    expect(await idsOf({ name: 'SHOP' })).toEqual([two, one]);
    // No character of a name means anything but itself.
    expect(await idsOf({ name: 'shop_' })).toEqual([one]);
    expect(await idsOf({ name: '%' })).toEqual([]);
    expect(await idsOf({ folder: 'Shops' })).toEqual([one]);
    expect(await idsOf({ folder: 'shops' })).toEqual([]);
  });

  it('changes only what is given', async () => {
    await using stack = new AsyncDisposableStack();
    const { profiles, add } = await openRepository(stack);
    const id = await add({ folder: 'a', tags: ['t'], notes: 'n' });
    expect(await profiles.update(id, { name: 'New' })).toMatchObject({
      name: 'New',
      folder: 'a',
      tags: ['t'],
      notes: 'n',
    });
    expect(await profiles.update(id, { folder: null, tags: [] })).toMatchObject({
      name: 'New',
      folder: null,
      tags: [],
    });
    expect(await profiles.update(randomUUID(), { name: 'x' })).toBeUndefined();
  });

  it('adds and takes tags, keeps their order, and says for whom it could', async () => {
    await using stack = new AsyncDisposableStack();
    const { profiles, add } = await openRepository(stack);
    const one = await add({ tags: ['a', 'b'] });
    const full = await add({ tags: Array.from({ length: 64 }, (_, index) => `t${index}`) });
    const missing = randomUUID();

    expect(await profiles.addTags([one, full, missing], ['b', 'c'])).toEqual([one]);
    expect((await profiles.find(one))?.tags).toEqual(['a', 'b', 'c']);
    expect((await profiles.removeTags([one, full], ['a', 't63'])).sort()).toEqual([one, full].sort());
    expect((await profiles.find(one))?.tags).toEqual(['b', 'c']);
    expect(await profiles.addTags([full], ['t0', 'new'])).toEqual([full]);
    expect((await profiles.listPresent([one, missing])).sort()).toEqual([one]);
  });

  it('locks for exactly one of many racing sessions, and tells the others which has it', async () => {
    await using stack = new AsyncDisposableStack();
    const { profiles, add } = await openRepository(stack);
    const id = await add();
    const sessions = Array.from({ length: 20 }, () => randomUUID());

    const results = await Promise.all(sessions.map((sessionId) => profiles.lock(id, sessionId)));

    const winners = sessions.filter((_, index) => results[index]?.outcome === 'locked');
    expect(winners).toHaveLength(1);
    const held = results.filter(({ outcome }) => outcome === 'held');
    expect(held).toEqual(Array.from({ length: 19 }, () => ({ outcome: 'held', sessionId: winners[0] })));
    expect(await profiles.lock(randomUUID(), randomUUID())).toEqual({ outcome: 'missing' });
  });

  it('lets only the session that holds a lock free it, and keeps a worn profile from being deleted', async () => {
    await using stack = new AsyncDisposableStack();
    const { profiles, add } = await openRepository(stack);
    const id = await add();
    const sessionId = randomUUID();
    await profiles.lock(id, sessionId);

    await profiles.unlock(id, randomUUID());
    expect((await profiles.find(id))?.lockedBy).toBe(sessionId);
    expect(await profiles.delete(id)).toBe(false);

    await profiles.unlock(id, sessionId);
    expect((await profiles.find(id))?.lockedBy).toBeNull();
    expect(await profiles.delete(id)).toBe(true);
  });

  it('frees the locks of its own node’s sessions that are gone, and no other', async () => {
    await using stack = new AsyncDisposableStack();
    const { db, profiles, add } = await openRepository(stack);
    const elsewhere = new ProfileRepository(db, 'node-b');
    const insertSession = async (state: string): Promise<string> => {
      const id = randomUUID();
      const isClosed = state === 'CLOSED';
      await db.query(
        `insert into sessions (id, node_id, state, headless, stealth_level, timeout_ms, close_reason, closed_at)
         values ($1, 'node-a', $2, true, 'basic', 1000, $3, $4)`,
        [id, state, isClosed ? 'requested' : null, isClosed ? new Date() : null],
      );
      return id;
    };
    const holders = {
      alive: await insertSession('ACTIVE'),
      closed: await insertSession('CLOSED'),
      neverWritten: randomUUID(),
      starting: randomUUID(),
      elsewhere: randomUUID(),
    };
    const ids = new Map<string, string>();
    for (const [name, sessionId] of Object.entries(holders)) {
      ids.set(name, await add({ name }));
      await (name === 'elsewhere' ? elsewhere : profiles).lock(ids.get(name) ?? '', sessionId);
    }

    expect(await profiles.freeLocks([holders.starting])).toBe(2);

    const left = (await profiles.list({ limit: 10 })).filter(({ lockedBy }) => lockedBy !== null);
    expect(left.map(({ name }) => name).sort()).toEqual(['alive', 'elsewhere', 'starting']);
  });
});
