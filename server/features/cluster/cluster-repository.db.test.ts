import { randomUUID } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import type { Database } from '../../platform/postgres/index.ts';
import { openTestDatabase } from '../../testing/test-database.ts';
import { until } from '../../testing/until.ts';
import { SessionRepository } from '../sessions/index.ts';
import { ClusterRepository } from './cluster-repository.ts';

async function openRepository(stack: AsyncDisposableStack): Promise<{
  db: Database;
  nodes: ClusterRepository;
  addSession: (nodeId: string, state?: string) => Promise<string>;
}> {
  const db = await openTestDatabase(stack);
  const addSession = async (nodeId: string, state = 'ACTIVE'): Promise<string> => {
    const id = randomUUID();
    await db.query(
      `insert into sessions (id, node_id, state, headless, stealth_level, timeout_ms, started_at, closed_at, close_reason)
       values ($1, $2, $3, true, 'none', 60000, now(),
               case when $3 = 'CLOSED' then now() end, case when $3 = 'CLOSED' then 'requested' end)`,
      [id, nodeId, state],
    );
    return id;
  };
  return { db, nodes: new ClusterRepository(db), addSession };
}

describe('membership of a cluster', () => {
  it('begins with an epoch higher than any before, and ends with a leave', async () => {
    await using stack = new AsyncDisposableStack();
    const { nodes } = await openRepository(stack);
    expect(await nodes.join('a')).toBe(1);
    expect(await nodes.join('a')).toBe(2);
    expect(await nodes.findStanding('a', 2)).toBe('member');
    expect(await nodes.findStanding('a', 1)).toBe('superseded');
    await nodes.leave('a', 1);
    expect(await nodes.findStanding('a', 2)).toBe('member');
    await nodes.leave('a', 2);
    expect(await nodes.findStanding('a', 2)).toBe('lost');
  });

  it('is declared lost by one of many, and by none once it has been joined anew', async () => {
    await using stack = new AsyncDisposableStack();
    const { nodes } = await openRepository(stack);
    await nodes.join('a');
    const declared = await Promise.all(['b', 'c', 'd', 'e'].map((by) => nodes.declareLost('a', 1, by)));
    expect(declared.filter(Boolean)).toHaveLength(1);
    expect(await nodes.findStanding('a', 1)).toBe('lost');
    expect(await nodes.join('a')).toBe(2);
    expect(await nodes.declareLost('a', 1, 'b')).toBe(false);
    expect(await nodes.findStanding('a', 2)).toBe('member');
  });

  it('leaves the sessions of a lost node to be closed, and not those of one that has joined anew', async () => {
    await using stack = new AsyncDisposableStack();
    const { nodes, addSession } = await openRepository(stack);
    await nodes.join('a');
    const id = await addSession('a');
    await addSession('a', 'CLOSED');
    expect(await nodes.listLeftSessions('a')).toEqual([]);
    await nodes.declareLost('a', 1, 'b');
    expect(await nodes.listLeftSessions('a')).toEqual([id]);
    await nodes.join('a');
    expect(await nodes.listLeftSessions('a')).toEqual([]);
  });

  it('is known of all who own sessions that have not ended, also of names that never joined', async () => {
    await using stack = new AsyncDisposableStack();
    const { nodes, addSession } = await openRepository(stack);
    await nodes.join('a');
    const id = await addSession('a');
    await addSession('old');
    const ended = await addSession('ended', 'CLOSED');
    const owners = await nodes.listOwners();
    expect(owners.toSorted((one, other) => one.nodeId.localeCompare(other.nodeId))).toEqual([
      { nodeId: 'a', epoch: 1 },
      { nodeId: 'old', epoch: null },
    ]);
    const declared = await Promise.all(['b', 'c'].map((by) => nodes.declareUnknownLost('old', by)));
    expect(declared.filter(Boolean)).toHaveLength(1);
    expect(await nodes.listLeftSessions('old')).toHaveLength(1);
    expect(await nodes.findOwner(id)).toBe('a');
    for (const none of [ended, randomUUID()]) expect(await nodes.findOwner(none)).toBeUndefined();
  });

  it('lets others move the sessions of a lost node until it has joined anew', async () => {
    await using stack = new AsyncDisposableStack();
    const { db, nodes, addSession } = await openRepository(stack);
    const lost = new SessionRepository(db, 'b').asLost('a');
    await nodes.join('a');
    const [closed, kept] = [await addSession('a'), await addSession('a')];
    const close = { reason: 'its node was lost', closeReason: 'node_lost' } as const;
    expect(await lost.move(closed, 'lose', close)).toBeUndefined();
    await nodes.declareLost('a', 1, 'b');
    expect(await lost.move(closed, 'lose', close)).toMatchObject({ state: 'CLOSED' });
    await nodes.join('a');
    expect(await lost.move(kept, 'revive', { reason: 'its node was lost', nodeId: 'b' })).toBeUndefined();
    expect(await lost.find(kept)).toMatchObject({ state: 'ACTIVE', nodeId: 'a' });
  });

  it('lets a process move sessions of its name only while it is the member of that name', async () => {
    await using stack = new AsyncDisposableStack();
    const { db, nodes, addSession } = await openRepository(stack);
    const epoch = await nodes.join('a');
    const id = await addSession('a');
    const first = new SessionRepository(db, 'a', () => epoch);
    expect(await first.move(id, 'rest', { reason: 'not used' })).toMatchObject({ state: 'IDLE' });
    const next = await nodes.join('a');
    const second = new SessionRepository(db, 'a', () => next);
    const close = { reason: 'test', closeReason: 'node_lost' } as const;
    expect(await first.move(id, 'lose', close)).toBeUndefined();
    expect(await first.as('a').move(id, 'revive', close)).toBeUndefined();
    expect(await second.move(id, 'wake', { reason: 'used again' })).toMatchObject({ state: 'ACTIVE' });
    await nodes.declareLost('a', next, 'b');
    expect(await second.move(id, 'lose', close)).toBeUndefined();
  });

  it('lets nobody move the sessions of a node that is about to join', async () => {
    await using stack = new AsyncDisposableStack();
    const { db, nodes, addSession } = await openRepository(stack);
    const id = await addSession('a');
    await nodes.declareUnknownLost('a', 'b');
    const moving = Promise.withResolvers<unknown>();
    await db.transaction(async (tx) => {
      await new ClusterRepository(tx).join('a');
      const lost = new SessionRepository(db, 'b').asLost('a');
      const move = lost.move(id, 'lose', { reason: 'its node was lost', closeReason: 'node_lost' });
      move.then(moving.resolve, moving.reject);
      // The move has found the node lost and waits for this transaction.
      await until(async () => {
        const waiting = await db.query(`select 1 from pg_stat_activity where wait_event_type = 'Lock'`);
        return waiting.length > 0;
      });
    });
    expect(await moving.promise).toBeUndefined();
  });
});
