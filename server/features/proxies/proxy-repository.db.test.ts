import { randomUUID } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import type { Database } from '../../platform/postgres/index.ts';
import { openTestDatabase } from '../../testing/test-database.ts';
import type { NewProxy, ProxyRecord } from './proxy-record.ts';
import { ProxyRepository } from './proxy-repository.ts';

function newProxy(changes: Partial<NewProxy> = {}): NewProxy {
  return {
    id: randomUUID(),
    name: 'Test',
    protocol: 'socks5h',
    host: 'proxy.example',
    port: 1080,
    username: null,
    passwordSealed: null,
    country: null,
    city: null,
    timezone: null,
    locale: null,
    latitude: null,
    longitude: null,
    rotationGroup: null,
    rotationUrl: null,
    tags: [],
    notes: '',
    isActive: true,
    ...changes,
  };
}

const EXIT = {
  address: '81.2.69.142',
  country: 'GB',
  timezone: 'Europe/London',
  isTimezoneCertain: true,
  locale: 'en-GB',
  latitude: 51.51,
  longitude: -0.13,
};
const CHECKED = { isOk: true, exit: EXIT, connectMs: 12, latencyMs: 34 } as const;

async function open(stack: AsyncDisposableStack): Promise<{
  db: Database;
  proxies: ProxyRepository;
  add: (changes?: Partial<NewProxy>) => Promise<ProxyRecord>;
  read: (id: string) => Promise<ProxyRecord>;
}> {
  const db = await openTestDatabase(stack);
  const proxies = new ProxyRepository(db);
  const read = async (id: string): Promise<ProxyRecord> => {
    const record = await proxies.find(id);
    if (record === undefined) throw new Error(`There is no ${id}`);
    return record;
  };
  return { db, proxies, add: (changes) => proxies.insert(newProxy(changes)), read };
}

describe('ProxyRepository', () => {
  it('gives back what was written', async () => {
    await using stack = new AsyncDisposableStack();
    const { proxies, read } = await open(stack);
    const wanted = newProxy({
      name: 'One "quoted" ü',
      username: 'u',
      passwordSealed: Buffer.from([0, 255]),
      country: 'GB',
      city: 'London',
      timezone: 'Europe/London',
      locale: 'en-GB',
      latitude: 51.5,
      longitude: -0.125,
      rotationGroup: 'g',
      rotationUrl: 'https://provider.example/rotate?token=x',
      tags: ['a', 'b, "c"'],
      notes: 'n\nn',
      isActive: false,
    });
    const written = await proxies.insert(wanted);
    expect(written).toMatchObject(wanted);
    expect(written).toMatchObject({ exit: null, lastCheck: null, failedChecksInARow: 0, lastUsedAt: null });
    expect(await read(wanted.id)).toEqual(written);
  });

  it('pages through a list without leaving out or repeating any, and filters', async () => {
    await using stack = new AsyncDisposableStack();
    const { proxies, add } = await open(stack);
    for (let index = 0; index < 11; index += 1) await add({ name: `n${index}` });
    const seen: ProxyRecord[] = [];
    for (;;) {
      const page = await proxies.list({ limit: 3, after: seen.at(-1) });
      if (page.length === 0) break;
      seen.push(...page);
      await proxies.delete(page.at(-1)?.id ?? '');
    }
    expect(seen.map(({ name }) => name)).toEqual(Array.from({ length: 11 }, (_, index) => `n${10 - index}`));

    const found = await add({ name: 'found', tags: ['x'] });
    const said = await add({ name: 'said', country: 'DE', rotationGroup: 'g', isActive: false });
    await proxies.recordCheck(found, CHECKED);
    await proxies.recordCheck(said, CHECKED);
    const namesOf = async (filter: object): Promise<string[]> =>
      (await proxies.list({ limit: 100, ...filter })).map(({ name }) => name);
    expect(await namesOf({ tag: 'x' })).toEqual(['found']);
    expect(await namesOf({ country: 'GB' })).toEqual(['found']);
    expect(await namesOf({ country: 'DE' })).toEqual(['said']);
    expect(await namesOf({ rotationGroup: 'g', isActive: false })).toEqual(['said']);
    expect(await namesOf({ rotationGroup: 'g', isActive: true })).toEqual([]);
  });

  it('changes only what is given, and forgets what checks have found of another address', async () => {
    await using stack = new AsyncDisposableStack();
    const { proxies, add } = await open(stack);
    const { id, ...record } = await add({ tags: ['t'], notes: 'n', username: 'u' });
    await proxies.recordCheck({ id, ...record }, CHECKED);

    const renamed = await proxies.update(id, { name: 'New', notes: undefined });
    expect(renamed).toMatchObject({ name: 'New', tags: ['t'], notes: 'n', username: 'u', exit: EXIT });
    expect(await proxies.update(id, {})).toEqual(renamed);
    const moved = await proxies.update(id, { username: null });
    expect(moved).toMatchObject({ name: 'New', username: null, exit: null, lastCheck: null });
    expect(await proxies.update(randomUUID(), { name: 'x' })).toBeUndefined();
  });

  it('keeps what a check found, counts failures, and drops a result about an address that is no more', async () => {
    await using stack = new AsyncDisposableStack();
    const { proxies, add } = await open(stack);
    const record = await add();
    const checked = await proxies.recordCheck(record, CHECKED);
    expect(checked).toMatchObject({ exit: EXIT, failedChecksInARow: 0 });
    expect(checked?.lastCheck).toMatchObject({ isOk: true, reason: null, connectMs: 12, latencyMs: 34 });
    // A check is no edit.
    expect(checked?.updatedAt).toEqual(record.updatedAt);

    await proxies.recordCheck(record, { isOk: false, reason: 'proxy_auth' });
    const failed = await proxies.recordCheck(record, { isOk: false, reason: 'timed_out' });
    expect(failed).toMatchObject({
      exit: EXIT,
      failedChecksInARow: 2,
      lastCheck: { isOk: false, reason: 'timed_out' },
    });
    expect(await proxies.recordCheck(record, CHECKED)).toMatchObject({ failedChecksInARow: 0 });

    await proxies.update(record.id, { host: 'other.example' });
    expect(await proxies.recordCheck(record, CHECKED)).toMatchObject({ exit: null, lastCheck: null });
    await proxies.delete(record.id);
    expect(await proxies.recordCheck(record, CHECKED)).toBeUndefined();
  });

  it('gives each of the sessions that start at once another member, the longest unused first', async () => {
    await using stack = new AsyncDisposableStack();
    const { proxies, add } = await open(stack);
    const members = [];
    for (let index = 0; index < 4; index += 1) members.push(await add({ rotationGroup: 'g' }));
    await add({ rotationGroup: 'g', isActive: false });
    await add({ rotationGroup: 'other' });
    const ids = members.map(({ id }) => id);

    const turns = await Promise.all(ids.map(() => proxies.takeTurn('g', [])));
    expect(turns.toSorted()).toEqual(ids.toSorted());
    const [first = '', second = ''] = (await proxies.listActiveOf('g')).map(({ id }) => id);
    expect(await proxies.takeTurn('g', [first])).toBe(second);
    expect(await proxies.takeTurn('g', [])).toBe(first);
    expect(await proxies.takeTurn('g', ids)).toBeUndefined();
    expect(await proxies.takeTurn('none', [])).toBeUndefined();
  });

  it('writes down many uses at once, and never an older one over a newer', async () => {
    await using stack = new AsyncDisposableStack();
    const { proxies, add, read } = await open(stack);
    const [one, two] = [await add(), await add()];
    await proxies.recordCheck(two, { isOk: false, reason: 'proxy_auth' });
    const usedAt = new Date('2031-02-03T04:05:06.789Z');
    await proxies.recordUses([
      { id: one.id, usedAt, failuresInARow: 3 },
      { id: two.id, usedAt, failuresInARow: undefined },
      { id: randomUUID(), usedAt, failuresInARow: 1 },
    ]);
    expect(await read(one.id)).toMatchObject({ lastUsedAt: usedAt, failedChecksInARow: 3 });
    expect(await read(two.id)).toMatchObject({ lastUsedAt: usedAt, failedChecksInARow: 1 });
    await proxies.recordUses([{ id: one.id, usedAt: new Date('2021-01-01T00:00:00Z'), failuresInARow: 0 }]);
    expect(await read(one.id)).toMatchObject({ lastUsedAt: usedAt, failedChecksInARow: 0 });
    await proxies.recordUses([]);
  });

  it('gives every proxy that is due for a check to one node only', async () => {
    await using stack = new AsyncDisposableStack();
    const { db, proxies, add } = await open(stack);
    const due = [await add(), await add(), await add()];
    await add({ isActive: false });
    const checked = await add();
    await proxies.recordCheck(checked, CHECKED);

    const taken = (await Promise.all([proxies.takeDue(60_000, 2), proxies.takeDue(60_000, 2)])).flat();
    const rest = await proxies.takeDue(60_000, 2);
    expect([...taken, ...rest].map(({ id }) => id).toSorted()).toEqual(due.map(({ id }) => id).toSorted());
    expect(await proxies.takeDue(60_000, 2)).toEqual([]);
    await db.query("update proxies set last_checked_at = now() - interval '61 seconds' where id = $1", [checked.id]);
    expect((await proxies.takeDue(60_000, 2)).map(({ id }) => id)).toEqual([checked.id]);
  });

  it('takes a proxy that is deleted off the profiles that name it', async () => {
    await using stack = new AsyncDisposableStack();
    const { db, proxies, add } = await open(stack);
    const { id } = await add();
    await db.query(`insert into profiles (name, fingerprint, default_proxy_id) values ('p', '{}', $1)`, [id]);
    expect(await proxies.delete(id)).toBe(true);
    expect(await proxies.delete(id)).toBe(false);
    expect(await db.query('select default_proxy_id from profiles')).toEqual([{ default_proxy_id: null }]);
  });
});
