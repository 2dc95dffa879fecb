import { randomUUID } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import { openTestDatabase } from '../../testing/test-database.ts';
import type { Database } from './database.ts';

describe('schema', () => {
  it.each([
    ['the list of sessions', 'sessions_newest', 'select id from sessions order by created_at desc, id desc limit 50'],
    [
      'a further page of sessions',
      'sessions_newest',
      'select id from sessions where (created_at, id) < (now(), gen_random_uuid()) order by created_at desc, id desc limit 50',
    ],
    [
      'sessions of a state',
      'sessions_by_state',
      `select id from sessions where state = 'ACTIVE' order by created_at desc, id desc limit 50`,
    ],
    [
      'sessions of a node',
      'sessions_by_node',
      `select id from sessions where node_id = 'a' order by created_at desc, id desc limit 50`,
    ],
    [
      'sessions of a profile',
      'sessions_by_profile',
      'select id from sessions where profile_id = gen_random_uuid() order by created_at desc, id desc limit 50',
    ],
    ['sessions with a label', 'sessions_metadata', `select id from sessions where metadata @> '{"team":"qa"}'`],
    [
      'live sessions of a node',
      'sessions_live_by_node',
      `select id from sessions where node_id = 'a' and state <> 'CLOSED'`,
    ],
    [
      'sessions to clean up',
      'sessions_closed_at',
      `select id from sessions where state = 'CLOSED' and closed_at < now() - interval '30 days' order by closed_at limit 10`,
    ],
    [
      'events of a session after the last one seen',
      'session_events_by_session',
      `select id from session_events where session_id = '${randomUUID()}' and id > 5 order by id`,
    ],
    [
      'events of all sessions after the last one seen',
      'session_events_in_order',
      `select id from session_events
       where (transaction_id, id) > ('5'::xid8, 5) and transaction_id < pg_snapshot_xmin(pg_current_snapshot())
       order by transaction_id, id limit 100`,
    ],
    ['events to clean up', 'session_events_created_at', 'select id from session_events where created_at < now()'],
    ['profiles by tag', 'profiles_tags', `select id from profiles where tags @> '{desktop}'`],
    [
      'profiles by fingerprint',
      'profiles_fingerprint',
      `select id from profiles where fingerprint @> '{"os":"windows"}'`,
    ],
    ['profiles by name', 'profiles_by_name', `select id from profiles where lower(name) like 'sam%'`],
    [
      'profiles of a folder',
      'profiles_by_folder',
      `select id from profiles where folder = 'a' order by created_at desc, id desc limit 50`,
    ],
    ['locks of a node', 'profiles_locked_by_node', `select id from profiles where locked_by_node_id = 'a'`],
    [
      'the newest state of a profile',
      'profile_states_pkey',
      'select version from profile_states where profile_id = gen_random_uuid() order by version desc limit 1',
    ],
    [
      'the next proxy of a group',
      'proxies_rotation',
      `select id from proxies where is_active and rotation_group = 'g' order by last_used_at nulls first limit 1`,
    ],
    ['the list of keys', 'api_keys_newest', 'select id from api_keys order by created_at desc, id desc limit 50'],
    [
      'sessions of a tenant',
      'sessions_by_owner',
      'select id from sessions where owner_key_id = gen_random_uuid() order by created_at desc, id desc limit 50',
    ],
    [
      'profiles of a tenant',
      'profiles_by_owner',
      'select id from profiles where owner_key_id = gen_random_uuid() order by created_at desc, id desc limit 50',
    ],
    [
      'proxies of a tenant',
      'proxies_by_owner',
      'select id from proxies where owner_key_id = gen_random_uuid() order by created_at desc, id desc limit 50',
    ],
    ['the key of a request', 'api_keys_key_hash_key', `select id from api_keys where key_hash = '\\x00'`],
    [
      'artifacts of a session',
      'artifacts_by_session',
      'select id from artifacts where session_id = gen_random_uuid() order by created_at desc, id desc limit 50',
    ],
    [
      'the audit trail of an action',
      'audit_logs_by_action',
      `select id from audit_logs where action = 'x' order by id desc`,
    ],
    ['audit entries to clean up', 'audit_logs_created_at', 'select id from audit_logs where created_at < now()'],
  ])('has an index for %s', async (_what, index, sql) => {
    await using stack = new AsyncDisposableStack();
    const db = await openTestDatabase(stack);

    const plan = await db.transaction(async (tx) => {
      // An empty table is always read whole, unless that is made to look expensive; the key's own index is no help here.
      await tx.exec('set local enable_seqscan = off');
      return tx.query<{ 'QUERY PLAN': string }>(`explain ${sql}`);
    });

    expect(plan.map((row) => row['QUERY PLAN']).join('\n')).toMatch(new RegExp(`\\b${index}\\b`));
  });

  it('lets a profile be used without calling that an edit', async () => {
    await using stack = new AsyncDisposableStack();
    const db = await openTestDatabase(stack);
    const profileId = await insertProfile(db);
    const before = await getProfile(db, profileId);

    const sessionId = await insertSession(db, { profileId });
    const used = await getProfile(db, profileId);
    await closeSession(db, sessionId);
    const released = await getProfile(db, profileId);

    expect(before).toMatchObject({ use_count: 0, last_used_at: null });
    expect(used.use_count).toBe(1);
    expect(used.last_used_at).toBeInstanceOf(Date);
    expect(released.use_count).toBe(1);
    expect(Number(released.last_used_at)).toBeGreaterThan(Number(used.last_used_at));
    expect(released.updated_at).toEqual(before.updated_at);
  });

  it('notes when a profile was edited', async () => {
    await using stack = new AsyncDisposableStack();
    const db = await openTestDatabase(stack);
    const profileId = await insertProfile(db);
    const before = await getProfile(db, profileId);

    await db.query(`update profiles set name = 'renamed' where id = $1`, [profileId]);

    expect(Number((await getProfile(db, profileId)).updated_at)).toBeGreaterThan(Number(before.updated_at));
  });

  it.each([
    ['a reason while it lives', `update sessions set close_reason = 'requested'`],
    ['no reason when closed', `update sessions set state = 'CLOSED', closed_at = now()`],
    ['no time of closing when closed', `update sessions set state = 'CLOSED', close_reason = 'requested'`],
    ['an unknown state', `update sessions set state = 'SLEEPING'`],
    ['an unknown reason', `update sessions set state = 'CLOSING', close_reason = 'bored'`],
  ])('refuses a session with %s', async (_what, sql) => {
    await using stack = new AsyncDisposableStack();
    const db = await openTestDatabase(stack);
    await insertSession(db);

    await expect(db.exec(sql)).rejects.toMatchObject({ code: '23514' });
  });

  it('keeps sessions when their profile, proxy or key is deleted', async () => {
    await using stack = new AsyncDisposableStack();
    const db = await openTestDatabase(stack);
    const profileId = await insertProfile(db);
    const sessionId = await insertSession(db, { profileId });

    await db.query('delete from profiles where id = $1', [profileId]);

    expect(await db.query('select id, profile_id from sessions')).toEqual([{ id: sessionId, profile_id: null }]);
  });

  it('cleans up sessions closed long ago with all that hangs on them, a batch a call', async () => {
    await using stack = new AsyncDisposableStack();
    const db = await openTestDatabase(stack);
    const live = await insertSession(db);
    const recent = await insertSession(db);
    await closeSession(db, recent);
    for (let count = 0; count < 3; count += 1) {
      const old = await insertSession(db);
      await db.query(`insert into session_events (session_id, type) values ($1, 'stateChanged')`, [old]);
      await db.query('insert into session_metrics (session_id, memory_bytes) values ($1, 1)', [old]);
      await closeSession(db, old, '40 days');
    }

    const clean = `select cleanup_old_sessions(interval '30 days', 2) as deleted`;
    expect(await db.query(clean)).toEqual([{ deleted: 2 }]);
    expect(await db.query(clean)).toEqual([{ deleted: 1 }]);
    expect(await db.query('select cleanup_old_sessions() as deleted')).toEqual([{ deleted: 0 }]);

    const left = await db.query<{ id: string }>('select id from sessions');
    expect(left.map(({ id }) => id).sort()).toEqual([live, recent].sort());
    expect(await db.query('select 1 from session_events union all select 1 from session_metrics')).toEqual([]);
  });

  it('cleans up old logs of every kind and keeps the recent ones', async () => {
    await using stack = new AsyncDisposableStack();
    const db = await openTestDatabase(stack);
    const sessionId = await insertSession(db);
    for (const age of ['100 days', '1 day']) {
      await insertAudit(db, age);
      await db.query(
        `insert into session_events (session_id, type, created_at) values ($1, 'stateChanged', now() - $2::interval)`,
        [sessionId, age],
      );
      await db.query('insert into session_metrics (session_id, recorded_at) values ($1, now() - $2::interval)', [
        sessionId,
        age,
      ]);
    }

    const [deleted] = await db.query('select * from cleanup_old_logs()');

    expect(deleted).toEqual({
      audit_logs_deleted: 1,
      session_events_deleted: 1,
      session_metrics_deleted: 1,
      script_run_logs_deleted: 0,
    });
    expect(await db.query('select count(*) as count from audit_logs')).toEqual([{ count: 1 }]);
  });

  it('refuses a clean-up of the future', async () => {
    await using stack = new AsyncDisposableStack();
    const db = await openTestDatabase(stack);

    await expect(db.query(`select cleanup_old_sessions(interval '-1 day')`)).rejects.toMatchObject({ code: '22023' });
    await expect(db.query(`select cleanup_old_logs(interval '-1 day')`)).rejects.toMatchObject({ code: '22023' });
  });

  it.each(['update audit_logs set action = $$x$$', 'delete from audit_logs', 'truncate audit_logs'])(
    'keeps the audit trail from "%s"',
    async (sql) => {
      await using stack = new AsyncDisposableStack();
      const db = await openTestDatabase(stack);
      await insertAudit(db, '1 day');

      await expect(db.exec(sql)).rejects.toMatchObject({ code: '42501' });
      // The permission the clean-up gives itself must not outlast it, not even in its own transaction.
      const afterCleanup = db.transaction(async (tx) => {
        await tx.query('select cleanup_old_logs()');
        await tx.exec(sql);
      });
      await expect(afterCleanup).rejects.toMatchObject({ code: '42501' });

      expect(await db.query('select action from audit_logs')).toEqual([{ action: 'createSession' }]);
    },
  );

  it('sums up what is alive, how profiles are used and how the installation is', async () => {
    await using stack = new AsyncDisposableStack();
    const db = await openTestDatabase(stack);
    const profileId = await insertProfile(db);
    const sessionId = await insertSession(db, { profileId });
    await db.query(
      `insert into session_metrics (session_id, memory_bytes, recorded_at)
       values ($1, 100, now() - interval '1 minute'), ($1, 250, now())`,
      [sessionId],
    );
    const crashed = await insertSession(db, { profileId });
    await db.query(
      `update sessions
       set state = 'CLOSED', close_reason = 'browser_crashed', started_at = created_at + interval '200 ms', closed_at = now()
       where id = $1`,
      [crashed],
    );

    expect(await db.query('select * from active_sessions_summary')).toMatchObject([
      { node_id: 'node-a', state: 'INITIALIZING', session_count: 1, profile_count: 1 },
    ]);
    expect(await db.query('select * from profile_usage_stats')).toMatchObject([
      { profile_id: profileId, use_count: 2, session_count: 2, live_session_count: 1, failed_session_count: 1 },
    ]);
    expect(await db.query('select * from system_health_metrics')).toMatchObject([
      { live_session_count: 1, node_count: 1, memory_bytes: 250, browsers_crashed_last_hour: 1, start_p95_ms: 200 },
    ]);
  });

  it('has one row of health even when there is nothing at all', async () => {
    await using stack = new AsyncDisposableStack();
    const db = await openTestDatabase(stack);

    expect(await db.query('select * from system_health_metrics')).toMatchObject([
      { live_session_count: 0, memory_bytes: 0, start_p95_ms: null },
    ]);
  });
});

async function insertProfile(db: Database): Promise<string> {
  const [row] = await db.query<{ id: string }>(
    `insert into profiles (name, fingerprint) values ('Test', '{"os":"windows"}') returning id`,
  );
  return row?.id ?? '';
}

async function getProfile(
  db: Database,
  id: string,
): Promise<{ use_count: number; last_used_at: Date | null; updated_at: Date }> {
  const [row] = await db.query<{ use_count: number; last_used_at: Date | null; updated_at: Date }>(
    'select use_count, last_used_at, updated_at from profiles where id = $1',
    [id],
  );
  if (row === undefined) throw new Error(`No profile ${id}`);
  return row;
}

async function insertSession(db: Database, options: { readonly profileId?: string } = {}): Promise<string> {
  const id = randomUUID();
  await db.query(
    `insert into sessions (id, node_id, state, profile_id, headless, stealth_level, timeout_ms)
     values ($1, 'node-a', 'INITIALIZING', $2, true, 'basic', 1800000)`,
    [id, options.profileId ?? null],
  );
  return id;
}

async function closeSession(db: Database, id: string, ago = '0'): Promise<void> {
  await db.query(
    `update sessions set state = 'CLOSED', close_reason = 'requested', closed_at = now() - $2::interval where id = $1`,
    [id, ago],
  );
}

async function insertAudit(db: Database, ago: string): Promise<void> {
  await db.query(
    `insert into audit_logs (action, outcome, created_at) values ('createSession', 'success', now() - $1::interval)`,
    [ago],
  );
}
