import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { describe, expect, it } from 'vitest';

import type { Database, Queryable } from '../../platform/postgres/index.ts';
import { openTestDatabase } from '../../testing/test-database.ts';
import { until } from '../../testing/until.ts';
import { type FeedPosition, SessionEventRepository } from './session-event-repository.ts';
import { SessionRepository } from './session-repository.ts';

async function addSession(db: Queryable): Promise<string> {
  const id = randomUUID();
  const options = { headless: true, stealthLevel: 'basic', options: {}, metadata: {} } as const;
  const limits = { timeoutMs: 60_000, maxLifetimeMs: null, maxRequests: null, memoryLimitBytes: null } as const;
  await new SessionRepository(db, 'node-a').insert({
    id,
    profileId: null,
    proxyId: null,
    ...options,
    ...limits,
    recycle: 'close',
  });
  return id;
}

/** A transaction that stays open until `commit` is called. */
async function openTransaction(
  db: Database,
): Promise<{ run: <Value>(work: (tx: Queryable) => Promise<Value>) => Promise<Value>; commit(): Promise<void> }> {
  const opened = Promise.withResolvers<Queryable>();
  const release = Promise.withResolvers<void>();
  const finished = db.transaction(async (tx) => {
    // It has its number from here on, before others that begin later.
    await tx.query('select pg_current_xact_id()');
    opened.resolve(tx);
    await release.promise;
  });
  const tx = await opened.promise;
  return {
    run: (work) => work(tx),
    async commit() {
      release.resolve();
      await finished;
    },
  };
}

interface FeedReading {
  readonly sessions: readonly string[];
  readonly position: FeedPosition;
  readonly isHeldBack: boolean;
}

/** Ids of the sessions whose events are read after a position, with the position then. */
async function readNow(feed: SessionEventRepository, from: FeedPosition): Promise<FeedReading> {
  const { events, position, isHeldBack } = await feed.readAfter(from, 100);
  return { sessions: events.map(({ sessionId }) => sessionId), position, isHeldBack };
}

/** The same, once everything can be read: transactions of other tests on this server hold events back too. */
async function readOn(feed: SessionEventRepository, from: FeedPosition): Promise<FeedReading> {
  return until(async () => {
    const reading = await readNow(feed, from);
    return reading.isHeldBack ? undefined : reading;
  });
}

describe('the events of all sessions', () => {
  it('hold back what was written after something that is not committed, and then give both', async () => {
    await using stack = new AsyncDisposableStack();
    const db = await openTestDatabase(stack);
    const feed = new SessionEventRepository(db);
    const start = await feed.findEnd();
    const slow = await openTransaction(db);
    const late = await slow.run(addSession);
    const early = await addSession(db);

    const before = await readNow(feed, start);
    expect(before).toMatchObject({ sessions: [], isHeldBack: true });
    await slow.commit();
    expect((await readOn(feed, before.position)).sessions).toEqual([late, early]);
  });

  it('give an event with a lower id that is committed later, and nothing twice', async () => {
    await using stack = new AsyncDisposableStack();
    const db = await openTestDatabase(stack);
    const feed = new SessionEventRepository(db);
    const first = await openTransaction(db);
    const second = await openTransaction(db);
    const lowerId = await second.run(addSession);
    const higherId = await first.run(addSession);
    await first.commit();

    const one = await readOn(feed, await feed.findPosition(0));
    expect(one.sessions).toEqual([higherId]);
    await second.commit();
    const two = await readOn(feed, one.position);
    expect(two.sessions).toEqual([lowerId]);
    // Who comes back with the id of the last event given gets the same.
    expect((await readOn(feed, await feed.findPosition(one.position.id))).sessions).toEqual([lowerId]);
    expect(await until(async () => (await feed.findEnd()).id === two.position.id)).toBe(true);
  });

  it('are complete for a reader who comes back at any time while many write at once', async () => {
    await using stack = new AsyncDisposableStack();
    const db = await openTestDatabase(stack);
    const feed = new SessionEventRepository(db);
    const written: string[] = [];
    const write = async (): Promise<void> => {
      for (let round = 0; round < 15; round += 1) {
        const id = await db.transaction(async (tx) => {
          const added = await addSession(tx);
          await sleep(Math.random() * 10);
          return added;
        });
        written.push(id);
      }
    };
    const writing = Promise.all(Array.from({ length: 4 }, write));
    const read: string[] = [];
    let position = await feed.findPosition(0);
    const readSome = async (): Promise<void> => {
      // As a client does that was cut off: all it has is an id.
      const reading = await readNow(feed, await feed.findPosition(position.id));
      read.push(...reading.sessions);
      position = reading.position;
    };
    while ((await Promise.race([writing, sleep(2, 'writing')])) === 'writing') await readSome();
    await until(async () => {
      await readSome();
      return read.length >= written.length;
    });
    expect(read.toSorted()).toEqual(written.toSorted());
  });

  it('go on from the event before when the one asked for has been cleaned up', async () => {
    await using stack = new AsyncDisposableStack();
    const db = await openTestDatabase(stack);
    const feed = new SessionEventRepository(db);
    await addSession(db);
    const gone = await addSession(db);
    const [event] = await new SessionRepository(db, 'node-a').listEvents(gone, { after: 0, limit: 1 });
    const rest = await addSession(db);
    await db.query('delete from session_events where session_id = $1', [gone]);
    expect((await readOn(feed, await feed.findPosition(event?.id ?? 0))).sessions).toEqual([rest]);
  });

  it('go on after events that a dump has brought from a cluster whose transactions had higher numbers', async () => {
    await using stack = new AsyncDisposableStack();
    const db = await openTestDatabase(stack);
    const feed = new SessionEventRepository(db);
    const restored = await addSession(db);
    await db.query(`update session_events set transaction_id = '99999999999'`);
    expect(await feed.adoptRestored()).toBe(1);
    expect(await feed.adoptRestored()).toBe(0);
    const added = await addSession(db);
    expect((await readOn(feed, await feed.findPosition(0))).sessions).toEqual([restored, added]);
  });
});

describe('the events of one session', () => {
  it('get their ids in the order in which they can be read, whoever writes them', async () => {
    await using stack = new AsyncDisposableStack();
    const db = await openTestDatabase(stack);
    const sessions = new SessionRepository(db, 'node-a');
    const id = await addSession(db);
    const noted = Promise.withResolvers<void>();
    await db.transaction(async (tx) => {
      const own = new SessionRepository(tx, 'node-a');
      await own.move(id, 'ready', { reason: 'first' });
      sessions.addEvent(id, 'updated', { reason: 'last' }).then(noted.resolve, noted.reject);
      await until(async () => {
        const waiting = await db.query(
          `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        );
        return waiting.length > 0;
      });
      await own.move(id, 'rest', { reason: 'second' });
    });
    await noted.promise;
    const events = await sessions.listEvents(id, { after: 0, limit: 10 });
    expect(events.map(({ reason }) => reason)).toEqual(['requested', 'first', 'second', 'last']);
  });
});
