import { randomUUID } from 'node:crypto';

import type { SessionIdentity } from '@guise/contract';
import { describe, expect, it } from 'vitest';

import { openTestDatabase } from '../../testing/test-database.ts';
import { until } from '../../testing/until.ts';
import type { NewSession, SessionRecord } from './session-record.ts';
import { SessionRepository } from './session-repository.ts';

const IDENTITY: SessionIdentity = {
  userAgent: 'test',
  browserVersion: '156.0.0.0',
  timezone: null,
  locale: null,
  viewport: { width: 800, height: 600 },
  fingerprint: null,
};

function newSession(overrides: Partial<NewSession> = {}): NewSession {
  return {
    id: randomUUID(),
    ownerKeyId: null,
    profileId: null,
    proxyId: null,
    headless: true,
    stealthLevel: 'basic',
    options: {},
    metadata: {},
    timeoutMs: 60_000,
    maxLifetimeMs: null,
    maxRequests: 1_000,
    memoryLimitBytes: null,
    recycle: 'close',
    ...overrides,
  };
}

async function openRepository(stack: AsyncDisposableStack, nodeId = 'node-a'): Promise<SessionRepository> {
  return new SessionRepository(await openTestDatabase(stack), nodeId);
}

describe('SessionRepository', () => {
  it('lets exactly one of many racing callers make a move, and writes one event for it', async () => {
    await using stack = new AsyncDisposableStack();
    const sessions = await openRepository(stack);
    const { id } = await sessions.insert(newSession());

    const details = { reason: 'browser ready', cdpPort: 9_222, identity: IDENTITY };
    const results = await Promise.all(Array.from({ length: 20 }, () => sessions.move(id, 'ready', details)));

    expect(results.filter((each) => each !== undefined)).toHaveLength(1);
    expect(await sessions.find(id)).toMatchObject({ state: 'ACTIVE', cdpPort: 9_222, identity: IDENTITY });
    expect(
      (await sessions.listEvents(id, { after: 0, limit: 10 })).map(({ type, toState }) => [type, toState]),
    ).toEqual([
      ['created', 'INITIALIZING'],
      ['stateChanged', 'ACTIVE'],
    ]);
  });

  it('lets a node change nothing of a session that another has gone on with', async () => {
    await using stack = new AsyncDisposableStack();
    const former = await openRepository(stack);
    const { id } = await former.insert(newSession());
    await former.move(id, 'ready', { reason: 'browser ready' });
    const heir = former.as('node-b');
    expect(await former.move(id, 'revive', { reason: 'its node was lost', nodeId: 'node-b' })).toMatchObject({
      nodeId: 'node-b',
      state: 'INITIALIZING',
    });
    const before = await heir.listEvents(id, { after: 0, limit: 10 });

    expect(await former.move(id, 'close', { reason: 'node_lost', closeReason: 'node_lost' })).toBeUndefined();
    expect(await former.update(id, { timeoutMs: 1_000 })).toBeUndefined();
    await former.addEvent(id, 'pageHung', { reason: 'test' });
    await former.storeUse([{ id, requestCount: 99, lastActivityAt: new Date() }]);

    expect(await heir.listEvents(id, { after: 0, limit: 10 })).toEqual(before);
    expect(await heir.find(id)).toMatchObject({ state: 'INITIALIZING', timeoutMs: 60_000, requestCount: 0 });
  });

  it('brings rows up to date with their use, never back, and leaves out those that are ending', async () => {
    await using stack = new AsyncDisposableStack();
    const sessions = await openRepository(stack);
    const [used, ahead, ended] = [
      await sessions.insert(newSession()),
      await sessions.insert(newSession()),
      await sessions.insert(newSession()),
    ];
    await sessions.move(ahead.id, 'ready', { reason: 'browser ready', requestCount: 30 });
    await sessions.move(ended.id, 'lose', { reason: 'test', closeReason: 'start_failed' });
    const lastActivityAt = new Date(Date.now() + 1_000);

    await sessions.storeUse([used, ahead, ended].map(({ id }) => ({ id, requestCount: 17, lastActivityAt })));

    expect(await sessions.find(used.id)).toMatchObject({ requestCount: 17, lastActivityAt });
    expect(await sessions.find(ahead.id)).toMatchObject({ requestCount: 30, lastActivityAt });
    expect(await sessions.find(ended.id)).toMatchObject({ requestCount: 0, lastActivityAt: ended.lastActivityAt });
  });

  it('makes a move that is still allowed when another move of the same session got in first', async () => {
    await using stack = new AsyncDisposableStack();
    const db = await openTestDatabase(stack);
    const sessions = new SessionRepository(db, 'node-a');
    const { id } = await sessions.insert(newSession());
    await sessions.move(id, 'ready', { reason: 'browser ready' });
    await sessions.move(id, 'rest', { reason: 'not used' });

    const closing = Promise.withResolvers<SessionRecord | undefined>();
    await db.transaction(async (tx) => {
      await new SessionRepository(tx, 'node-a').move(id, 'wake', { reason: 'used again' });
      const close = sessions.move(id, 'close', { reason: 'requested', closeReason: 'requested' });
      close.then(closing.resolve, closing.reject);
      // The close has read IDLE and waits for this transaction.
      await until(async () => {
        const waiting = await db.query(`select 1 from pg_stat_activity where wait_event_type = 'Lock'`);
        return waiting.length > 0;
      });
    });
    expect(await closing.promise).toMatchObject({ state: 'CLOSING', closeReason: 'requested' });
  });

  it('keeps the first close reason, says when it closed, and gives the port back', async () => {
    await using stack = new AsyncDisposableStack();
    const sessions = await openRepository(stack);
    const { id } = await sessions.insert(newSession());
    await sessions.move(id, 'ready', { reason: 'browser ready', cdpPort: 9_222 });
    await sessions.move(id, 'close', { reason: 'requested', closeReason: 'requested' });
    await sessions.move(id, 'lose', { reason: 'the browser process ended', closeReason: 'browser_crashed' });

    const closed = await sessions.find(id);
    expect(closed).toMatchObject({ state: 'CLOSED', closeReason: 'requested', cdpPort: null });
    expect(closed?.closedAt).toBeInstanceOf(Date);
    expect(await sessions.move(id, 'lose', { reason: 'again', closeReason: 'node_lost' })).toBeUndefined();
  });

  it('pages through a list without leaving out or repeating any, also when many share a moment', async () => {
    await using stack = new AsyncDisposableStack();
    const sessions = await openRepository(stack);
    const all = await Promise.all(Array.from({ length: 25 }, () => sessions.insert(newSession())));

    const seen: SessionRecord[] = [];
    for (let after: string | undefined; ; after = seen.at(-1)?.id) {
      const page = await sessions.list({ limit: 4, after });
      if (page.length === 0) break;
      seen.push(...page);
    }
    expect(seen.map(({ id }) => id).toSorted()).toEqual(all.map(({ id }) => id).toSorted());
    const moments = seen.map(({ createdAt }) => createdAt.getTime());
    expect(moments).toEqual(moments.toSorted((a, b) => b - a));
  });

  it('filters by state, node and labels', async () => {
    await using stack = new AsyncDisposableStack();
    const sessions = await openRepository(stack);
    const red = await sessions.insert(newSession({ metadata: { team: 'red', job: '1' } }));
    await sessions.insert(newSession({ metadata: { team: 'blue' } }));
    await sessions.move(red.id, 'ready', { reason: 'browser ready' });

    const idsOf = async (filter: object): Promise<string[]> =>
      (await sessions.list({ limit: 10, ...filter })).map(({ id }) => id);
    expect(await idsOf({ metadata: { team: 'red' } })).toEqual([red.id]);
    expect(await idsOf({ metadata: { team: 'red', job: '2' } })).toEqual([]);
    expect(await idsOf({ state: 'ACTIVE' })).toEqual([red.id]);
    expect(await idsOf({ nodeId: 'node-b' })).toEqual([]);
    expect(await idsOf({ nodeId: 'node-a' })).toHaveLength(2);
  });

  it('changes a live session only, and only what is given', async () => {
    await using stack = new AsyncDisposableStack();
    const sessions = await openRepository(stack);
    const { id } = await sessions.insert(newSession({ maxLifetimeMs: 5_000, metadata: { a: '1' } }));

    expect(await sessions.update(id, { timeoutMs: 1_234 })).toMatchObject({
      timeoutMs: 1_234,
      maxLifetimeMs: 5_000,
      metadata: { a: '1' },
    });
    expect(await sessions.update(id, { maxLifetimeMs: null, metadata: {} })).toMatchObject({
      timeoutMs: 1_234,
      maxLifetimeMs: null,
      metadata: {},
    });
    await sessions.move(id, 'lose', { reason: 'test', closeReason: 'node_lost' });
    expect(await sessions.update(id, { timeoutMs: 9_999 })).toBeUndefined();
  });

  it('knows which live sessions are its own node’s', async () => {
    await using stack = new AsyncDisposableStack();
    const db = await openTestDatabase(stack);
    const here = new SessionRepository(db, 'node-a');
    const there = new SessionRepository(db, 'node-b');
    const own = await here.insert(newSession());
    const ended = await here.insert(newSession());
    await here.move(ended.id, 'lose', { reason: 'test', closeReason: 'node_lost' });
    await there.insert(newSession());
    expect(await here.listLiveIds()).toEqual([own.id]);
  });
});
