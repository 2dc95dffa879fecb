import { randomUUID } from 'node:crypto';

import type { SessionUsage } from '@guise/contract';
import { describe, expect, it } from 'vitest';

import { openTestDatabase } from '../../testing/test-database.ts';
import { MetricsRepository } from './metrics-repository.ts';
import { SessionRepository } from './session-repository.ts';

const USAGE: SessionUsage = {
  memoryBytes: 130_000_000,
  cpuPercent: 3.5,
  cpuMs: 4_200,
  processCount: 8,
  pageCount: 2,
  sampledAt: '2026-01-02T03:04:05.000Z',
};

/** As a live session is: with accessors in place of members. */
class Sampled {
  readonly id: string;
  readonly usage: SessionUsage | undefined;
  readonly egress = { traffic: { receivedBytes: 5_000, sentBytes: 600, connections: 2, refusals: 0 } };
  readonly #requests = [10, 7];

  constructor(id: string, usage: SessionUsage | undefined) {
    this.id = id;
    this.usage = usage;
  }

  get requestCount(): number {
    return this.#requests.reduce((sum, each) => sum + each, 0);
  }
}

async function insertSession(sessions: SessionRepository): Promise<string> {
  const { id } = await sessions.insert({
    id: randomUUID(),
    headless: true,
    stealthLevel: 'basic',
    options: {},
    metadata: {},
    timeoutMs: 60_000,
    maxLifetimeMs: null,
    maxRequests: null,
    memoryLimitBytes: null,
    recycle: 'close',
    profileId: null,
    proxyId: null,
  });
  return id;
}

describe('MetricsRepository', () => {
  it('writes a sample of each session that was measured', async () => {
    await using stack = new AsyncDisposableStack();
    const db = await openTestDatabase(stack);
    const sessions = new SessionRepository(db, 'node-a');
    const [measured, fresh] = [await insertSession(sessions), await insertSession(sessions)];

    await new MetricsRepository(db).addSamples([new Sampled(measured, USAGE), new Sampled(fresh, undefined)]);

    const { sampledAt, cpuMs, memoryBytes, processCount, pageCount } = USAGE;
    expect(await db.query('select * from session_metrics')).toEqual([
      {
        session_id: measured,
        recorded_at: new Date(sampledAt),
        memory_bytes: memoryBytes,
        cpu_ms: cpuMs,
        process_count: processCount,
        page_count: pageCount,
        request_count: 17,
        received_bytes: 5_000,
        sent_bytes: 600,
      },
    ]);
  });

  it('leaves out sessions that have ended, and the same sample written twice', async () => {
    await using stack = new AsyncDisposableStack();
    const db = await openTestDatabase(stack);
    const sessions = new SessionRepository(db, 'node-a');
    const metrics = new MetricsRepository(db);
    const [live, ended] = [await insertSession(sessions), await insertSession(sessions)];
    await sessions.move(ended, 'lose', { reason: 'test', closeReason: 'start_failed' });
    const both = [new Sampled(live, USAGE), new Sampled(ended, USAGE)];

    await metrics.addSamples(both);
    await metrics.addSamples(both);

    expect(await db.query('select session_id from session_metrics')).toEqual([{ session_id: live }]);
  });

  it('deletes what is past its retention, however much it is, and nothing else', async () => {
    await using stack = new AsyncDisposableStack();
    const db = await openTestDatabase(stack);
    const sessions = new SessionRepository(db, 'node-a');
    const live = await insertSession(sessions);
    await db.query(
      `insert into session_events (session_id, type, created_at)
       select $1, 'updated', now() - make_interval(days => age) from generate_series(0, 9) as age,
         generate_series(1, 1200)`,
      [live],
    );

    await new MetricsRepository(db).cleanUp({ sessions: 5, logs: 5 }, AbortSignal.timeout(20_000));

    const [row] = await db.query<{ count: number }>(`select count(*) from session_events where type = 'updated'`);
    expect(row?.count).toBe(5 * 1_200);
    expect(await sessions.find(live)).toBeDefined();
  });
});
