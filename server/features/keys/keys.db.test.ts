import { randomUUID } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import { type Actor, KEYLESS, NO_QUOTAS } from '../../lib/actor.ts';
import type { Database } from '../../platform/postgres/index.ts';
import { openTestDatabase } from '../../testing/test-database.ts';
import { SessionRepository } from '../sessions/index.ts';
import { sessionInsert } from '../sessions/index.ts';
import { BootstrapKeyError, syncBootstrapKeys } from './bootstrap-keys.ts';
import { keyCommands, type KeyCommands } from './key-commands.ts';
import { KeyRepository } from './key-repository.ts';
import { hashSecret } from './key-secret.ts';
import { KeyWatch } from './key-watch.ts';
import { Ownership } from './ownership.ts';
import { type MeteredSession, TrafficRecorder } from './traffic-recorder.ts';

const SECRETS = ['0123456789abcdef0123456789-a', '0123456789abcdef0123456789-b'] as const;

async function setUp(
  stack: AsyncDisposableStack,
): Promise<{ db: Database; keys: KeyRepository; commands: KeyCommands }> {
  const db = await openTestDatabase(stack);
  const keys = new KeyRepository(db);
  return { db, keys, commands: keyCommands({ keys, onChanged: () => undefined }) };
}

function newSession(ownerKeyId: string | null) {
  const id = randomUUID();
  const options = { headless: true, stealthLevel: 'basic', options: {}, metadata: {}, recycle: 'close' } as const;
  const limits = { timeoutMs: 60_000, maxLifetimeMs: null, maxRequests: null, memoryLimitBytes: null };
  return { id, ownerKeyId, profileId: null, proxyId: null, ...options, ...limits };
}

describe('API keys', () => {
  it('are known by a secret that is shown once and stored nowhere', async () => {
    await using stack = new AsyncDisposableStack();
    const { db, keys, commands } = await setUp(stack);
    const { secret, ...key } = await commands.create({ name: 'alice', role: 'user' }, KEYLESS);
    expect(secret).toMatch(/^gk_[\w-]{43}$/);
    expect(await keys.findValid(hashSecret(secret))).toMatchObject({ id: key.id, tenantId: key.id });
    const { usage, ...shown } = await commands.get({ keyId: key.id });
    expect(shown).toEqual(key);
    expect(usage).toEqual({ sessions: 0, trafficBytesThisMonth: 0 });
    const [row] = await db.query<{ text: string }>('select api_keys::text as text from api_keys');
    expect(row?.text).not.toContain(secret.slice(8));
  });

  it('are none any more when they are revoked or have expired', async () => {
    await using stack = new AsyncDisposableStack();
    const { keys, commands } = await setUp(stack);
    const one = await commands.create({ name: 'one', role: 'user' }, KEYLESS);
    await commands.revoke({ keyId: one.id });
    const { revokedAt } = await commands.get({ keyId: one.id });
    await commands.revoke({ keyId: one.id });
    expect(await commands.get({ keyId: one.id })).toMatchObject({ revokedAt, isValid: false });
    expect(await keys.findValid(hashSecret(one.secret))).toBeUndefined();
    const past = new Date(Date.now() - 1_000).toISOString();
    const two = await commands.create({ name: 'two', role: 'user', expiresAt: past }, KEYLESS);
    expect(await keys.findValid(hashSecret(two.secret))).toBeUndefined();
    await commands.update({ keyId: two.id, expiresAt: null });
    expect(await keys.findValid(hashSecret(two.secret))).toBeDefined();
    expect((await commands.list({ isValid: true })).keys.map(({ name }) => name)).toEqual(['two']);
  });

  it('have names of their own while they are in use, and quotas that change one by one', async () => {
    await using stack = new AsyncDisposableStack();
    const { commands } = await setUp(stack);
    const wish = { name: 'alice', role: 'user', quotas: { maxSessions: 2 } } as const;
    const { id } = await commands.create(wish, KEYLESS);
    await expect(commands.create(wish, KEYLESS)).rejects.toMatchObject({ code: 'KEY_NAME_TAKEN' });
    const changed = await commands.update({ keyId: id, quotas: { maxCreatesPerMinute: 5 }, priority: 3 });
    expect(changed).toMatchObject({ quotas: { maxSessions: 2, maxCreatesPerMinute: 5 }, priority: 3 });
    await commands.revoke({ keyId: id });
    await commands.create(wish, KEYLESS);
    for (const keyId of ['nonsense', randomUUID()]) {
      await expect(commands.get({ keyId })).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' });
      await expect(commands.revoke({ keyId })).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' });
    }
  });

  it('act for the tenant of the key they were made for', async () => {
    await using stack = new AsyncDisposableStack();
    const { commands } = await setUp(stack);
    const first = await commands.create({ name: 'first', role: 'user' }, KEYLESS);
    const second = await commands.create({ name: 'second', role: 'viewer', forKeyId: first.id }, KEYLESS);
    const third = await commands.create({ name: 'third', role: 'user', forKeyId: second.id }, KEYLESS);
    expect([second.tenantId, third.tenantId]).toEqual([first.id, first.id]);
    const nobody = { name: 'x', role: 'user', forKeyId: randomUUID() } as const;
    await expect(commands.create(nobody, KEYLESS)).rejects.toMatchObject({ code: 'VALIDATION_FAILED' });
  });

  it('come in pages, each once', async () => {
    await using stack = new AsyncDisposableStack();
    const { commands } = await setUp(stack);
    for (let index = 0; index < 5; index += 1) await commands.create({ name: `k${index}`, role: 'user' }, KEYLESS);
    const names: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await commands.list({ limit: 2, ...(cursor === undefined ? {} : { cursor }) });
      names.push(...page.keys.map(({ name }) => name));
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect(names).toEqual(['k4', 'k3', 'k2', 'k1', 'k0']);
  });
});

describe('keys of the environment', () => {
  it('are kept in step, and keep their id as long as they keep name or secret', async () => {
    await using stack = new AsyncDisposableStack();
    const { db, keys } = await setUp(stack);
    const [first, second] = SECRETS;
    const find = (secret: string) => keys.findValid(hashSecret(secret));
    await syncBootstrapKeys(db, [{ name: 'ops', role: 'admin', secret: first }]);
    const original = await find(first);
    expect(original).toMatchObject({ name: 'ops', role: 'admin', origin: 'environment' });

    await syncBootstrapKeys(db, [{ name: 'ops', role: 'operator', secret: second }]);
    expect(await find(first)).toBeUndefined();
    expect(await find(second)).toMatchObject({ id: original?.id, role: 'operator' });

    await syncBootstrapKeys(db, [{ name: 'operations', role: 'operator', secret: second }]);
    expect(await find(second)).toMatchObject({ id: original?.id, name: 'operations' });

    await syncBootstrapKeys(db, []);
    expect(await find(second)).toBeUndefined();
    await syncBootstrapKeys(db, [{ name: 'operations', role: 'operator', secret: second }]);
    expect(await find(second)).toMatchObject({ id: original?.id });
  });

  it('may swap their names', async () => {
    await using stack = new AsyncDisposableStack();
    const { db, keys } = await setUp(stack);
    const [first, second] = SECRETS;
    await syncBootstrapKeys(db, [
      { name: 'a', role: 'user', secret: first },
      { name: 'b', role: 'user', secret: second },
    ]);
    await syncBootstrapKeys(db, [
      { name: 'b', role: 'user', secret: first },
      { name: 'a', role: 'user', secret: second },
    ]);
    expect(await keys.findValid(hashSecret(first))).toMatchObject({ name: 'b' });
    expect(await keys.findValid(hashSecret(second))).toMatchObject({ name: 'a' });
  });

  it('do not take the name of a key made over the API, and nothing has changed then', async () => {
    await using stack = new AsyncDisposableStack();
    const { db, keys, commands } = await setUp(stack);
    const [first, second] = SECRETS;
    await syncBootstrapKeys(db, [{ name: 'ops', role: 'admin', secret: first }]);
    await commands.create({ name: 'alice', role: 'user' }, KEYLESS);
    await expect(syncBootstrapKeys(db, [{ name: 'alice', role: 'admin', secret: second }])).rejects.toThrow(
      BootstrapKeyError,
    );
    expect(await keys.findValid(hashSecret(first))).toMatchObject({ name: 'ops' });
    const { keys: listed } = await commands.list({});
    const ops = listed.find(({ name }) => name === 'ops');
    await expect(commands.update({ keyId: ops?.id ?? '', name: 'other' })).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
    });
  });
});

describe('tenants', () => {
  it('have no more sessions at once than their quota, however many they ask for at once', async () => {
    await using stack = new AsyncDisposableStack();
    const { db, keys, commands } = await setUp(stack);
    const { id } = await commands.create({ name: 'alice', role: 'user' }, KEYLESS);
    const insert = sessionInsert(db, 'node-a');
    const other = sessionInsert(db, 'node-b');
    const made = await Promise.all(
      Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? insert : other)(newSession(id), 7)),
    );
    expect(made.filter((record) => record !== undefined)).toHaveLength(7);
    expect(await keys.findUsage(id)).toMatchObject({ sessions: 7 });
    const [one] = made.flatMap((record) => record ?? []);
    await new SessionRepository(db, 'node-a').move(one?.id ?? '', 'lose', { reason: 'x', closeReason: 'node_lost' });
    expect(await insert(newSession(id), 7)).toBeDefined();
    expect(await insert(newSession(id), 7)).toBeUndefined();
    expect(await insert(newSession(id), null)).toBeDefined();
  });

  it('are told that what is not theirs is not there, in the words for what is not', async () => {
    await using stack = new AsyncDisposableStack();
    const { db, commands } = await setUp(stack);
    const [alice, bob] = [
      await commands.create({ name: 'alice', role: 'user' }, KEYLESS),
      await commands.create({ name: 'bob', role: 'user' }, KEYLESS),
    ];
    const ownership = new Ownership(db);
    const actor = (id: string, role: Actor['role'] = 'user'): Actor => ({ ...KEYLESS, role, keyId: id, tenantId: id });
    const { id: sessionId } = await new SessionRepository(db, 'node-a').insert(newSession(alice.id));
    for (let time = 0; time < 2; time += 1) {
      await ownership.check(actor(alice.id), { sessionId });
      await ownership.check(actor(bob.id, 'operator'), { sessionId });
      await expect(ownership.check(actor(bob.id), { sessionId })).rejects.toMatchObject({
        code: 'SESSION_NOT_FOUND',
        message: `There is no session ${sessionId}`,
      });
    }
    await expect(ownership.check(actor(bob.id), { sessionId: sessionId.toUpperCase() })).rejects.toThrow();
    // What is not there at all is left to whoever looks for it.
    await ownership.check(actor(bob.id), { sessionId: randomUUID(), profileId: 'nonsense' });
    const { id: nobodys } = await new SessionRepository(db, 'node-a').insert(newSession(null));
    await expect(ownership.check(actor(bob.id), { sessionId: nobodys })).rejects.toThrow();
  });

  it('are charged for what their sessions move, once, also for the last of it', async () => {
    await using stack = new AsyncDisposableStack();
    const { keys, commands } = await setUp(stack);
    const { id } = await commands.create({ name: 'alice', role: 'user' }, KEYLESS);
    const traffic = { receivedBytes: 0, sentBytes: 0 };
    const session: MeteredSession = { id: 's', ownerKeyId: id, egress: { traffic, holdToQuota: () => undefined } };
    let live = [session, { ...session, id: 'nobody', ownerKeyId: null }];
    const recorder = new TrafficRecorder({ keys, listLive: () => live });
    const moved = async (): Promise<number> => {
      await recorder.store();
      return (await keys.findUsage(id)).trafficBytesThisMonth;
    };
    expect(await moved()).toBe(0);
    Object.assign(traffic, { receivedBytes: 1_000, sentBytes: 50 });
    expect(await moved()).toBe(1_050);
    expect(await moved()).toBe(1_050);
    Object.assign(traffic, { receivedBytes: 2_000 });
    live = [];
    expect(await moved()).toBe(2_050);
    expect(await moved()).toBe(2_050);
  });

  it('are cut off while they have moved what they may, and no others', async () => {
    await using stack = new AsyncDisposableStack();
    const { keys, commands } = await setUp(stack);
    const held = new Map<string, boolean>();
    const open = async (name: string, most: number | null): Promise<MeteredSession> => {
      const quotas = { maxTrafficBytesPerMonth: most };
      const { id } = await commands.create({ name, role: 'user', quotas }, KEYLESS);
      const traffic = { receivedBytes: 60, sentBytes: 40 };
      return { id: name, ownerKeyId: id, egress: { traffic, holdToQuota: (isSpent) => void held.set(name, isSpent) } };
    };
    const live = [await open('enough', 101), await open('all', 100), await open('endless', null)];
    const recorder = new TrafficRecorder({ keys, listLive: () => live });
    await recorder.store();
    expect([...held]).toEqual([
      ['enough', false],
      ['all', true],
      ['endless', false],
    ]);
    await commands.update({ keyId: live[1]?.ownerKeyId ?? '', quotas: { maxTrafficBytesPerMonth: 200 } });
    await recorder.store();
    expect(held.get('all')).toBe(false);
  });

  it('are charged later when the database is away', async () => {
    await using stack = new AsyncDisposableStack();
    const { keys, commands } = await setUp(stack);
    const { id } = await commands.create({ name: 'alice', role: 'user' }, KEYLESS);
    const away = { is: true };
    const session = {
      id: 's',
      ownerKeyId: id,
      egress: { traffic: { receivedBytes: 7, sentBytes: 0 }, holdToQuota: () => undefined },
    };
    const recorder = new TrafficRecorder({
      listLive: () => [session],
      keys: {
        addTraffic: async (bytes) => {
          if (away.is) throw new Error('away');
          await keys.addTraffic(bytes);
        },
        listSpent: (ids) => keys.listSpent(ids),
      },
    });
    await expect(recorder.store()).rejects.toThrow('away');
    away.is = false;
    await recorder.store();
    expect(await keys.findUsage(id)).toMatchObject({ trafficBytesThisMonth: 7 });
  });
});

describe('KeyWatch', () => {
  it('tells once, and only those whose key is none any more', async () => {
    await using stack = new AsyncDisposableStack();
    const { keys, commands } = await setUp(stack);
    const [one, two] = [
      await commands.create({ name: 'one', role: 'user', quotas: NO_QUOTAS }, KEYLESS),
      await commands.create({ name: 'two', role: 'user' }, KEYLESS),
    ];
    const watch = new KeyWatch(keys);
    const told: string[] = [];
    watch.watch(one.id, () => told.push('one'));
    using _two = watch.watch(two.id, () => told.push('two'));
    watch.watch(one.id, () => told.push('gone'))[Symbol.dispose]();
    using _nobody = watch.watch(null, () => told.push('nobody'));
    await watch.check();
    expect(told).toEqual([]);
    await commands.revoke({ keyId: one.id });
    const three = await commands.create({ name: 'three', role: 'user' }, KEYLESS);
    const checking = watch.check();
    // Comes while the database is asked.
    using _three = watch.watch(three.id, () => told.push('three'));
    await checking;
    await watch.check();
    expect(told).toEqual(['one']);
  });
});
