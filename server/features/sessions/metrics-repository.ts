import type { Queryable } from '../../platform/postgres/index.ts';
import type { LiveSession } from './live-session.ts';

/** The part of a live session that is kept. */
type Sampled = Pick<LiveSession, 'id' | 'usage' | 'requestCount'> & {
  readonly egress: Pick<LiveSession['egress'], 'traffic'>;
};

/** Samples of what sessions use, in SQL. */
export class MetricsRepository {
  readonly #db: Queryable;

  constructor(db: Queryable) {
    this.#db = db;
  }

  /** Adds a sample of each session, all in one statement. Sessions that have ended meanwhile are left out. */
  async addSamples(sessions: readonly Sampled[]): Promise<void> {
    const sampled = sessions.flatMap(({ id, usage, requestCount, egress: { traffic } }) =>
      usage === undefined ? [] : [{ id, usage, requestCount, traffic }],
    );
    if (sampled.length === 0) return;
    await this.#db.query(
      `insert into session_metrics
         (session_id, recorded_at, memory_bytes, cpu_ms, process_count, page_count, request_count,
          received_bytes, sent_bytes)
       select sampled.*
       from unnest(
         $1::uuid[], $2::timestamptz[], $3::bigint[], $4::bigint[], $5::integer[], $6::integer[], $7::bigint[],
         $8::bigint[], $9::bigint[]
       ) as sampled (id, sampled_at, memory_bytes, cpu_ms, process_count, page_count, request_count, received, sent)
       join sessions using (id)
       where sessions.state <> all ('{CLOSING,CLOSED}')
       on conflict do nothing`,
      [
        sampled.map(({ id }) => id),
        sampled.map(({ usage }) => usage.sampledAt),
        sampled.map(({ usage }) => usage.memoryBytes),
        sampled.map(({ usage }) => usage.cpuMs),
        sampled.map(({ usage }) => usage.processCount),
        sampled.map(({ usage }) => usage.pageCount),
        sampled.map(({ requestCount }) => requestCount),
        sampled.map(({ traffic }) => traffic.receivedBytes),
        sampled.map(({ traffic }) => traffic.sentBytes),
      ],
    );
  }

  /** Deletes what is older than its retention in days, a batch at a time, until nothing is. Returns how many rows. */
  async cleanUp(days: { readonly sessions: number; readonly logs: number }, signal: AbortSignal): Promise<number> {
    let deleted = 0;
    for (;;) {
      signal.throwIfAborted();
      const [row] = await this.#db.query<{ count: number }>(
        `select cleanup_old_sessions(make_interval(days => $1)) +
           (select audit_logs_deleted + session_events_deleted + session_metrics_deleted + script_run_logs_deleted
            from cleanup_old_logs(make_interval(days => $2))) as count`,
        [days.sessions, days.logs],
      );
      const count = row?.count ?? 0;
      deleted += count;
      if (count === 0) return deleted;
    }
  }
}
