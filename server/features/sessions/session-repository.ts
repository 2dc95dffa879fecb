import type {
  CloseReason,
  Metadata,
  SessionEvent,
  SessionEventType,
  SessionIdentity,
  SessionState,
} from '@guise/contract';

import { type Queryable, toJsonb } from '../../platform/postgres/index.ts';
import type { StoredEgress } from './egress-options.ts';
import { EVENT_COLUMNS, type EventRow, toEvent } from './event-record.ts';
import { type NewSession, SESSION_COLUMNS, type SessionRecord, type SessionRow, toRecord } from './session-record.ts';
import { movesOf, type SessionTrigger } from './session-state.ts';

const LIVE_STATES: readonly SessionState[] = ['INITIALIZING', 'ACTIVE', 'IDLE', 'UNHEALTHY', 'CLOSING'];

/** What a move changes beside the state. */
export interface MoveDetails {
  /** Why, for the event. */
  readonly reason: string;
  readonly closeReason?: CloseReason;
  readonly error?: string;
  readonly cdpPort?: number;
  readonly identity?: SessionIdentity;
  readonly lastActivityAt?: Date;
  readonly requestCount?: number;
  /** What the event is called; `stateChanged` unless it says more. */
  readonly eventType?: SessionEventType;
  /** The node that has it from now on. */
  readonly nodeId?: string;
}

/** What is to be known of an event beside its type. */
export interface EventDetails {
  /** Why, for people. */
  readonly reason: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

/** What a client may change of a live session; absent members stay as they are, null takes a limit away. */
export interface SessionChanges {
  readonly timeoutMs?: number | undefined;
  readonly maxLifetimeMs?: number | null | undefined;
  readonly maxRequests?: number | null | undefined;
  readonly memoryLimitBytes?: number | null | undefined;
  readonly metadata?: Metadata | undefined;
  readonly egress?: StoredEgress | undefined;
}

/** How much and when last a session has been used. */
export interface SessionUse {
  readonly id: string;
  readonly requestCount: number;
  readonly lastActivityAt: Date;
}

/** Which sessions to list; absent members do not filter. */
export interface SessionFilter {
  readonly state?: SessionState | undefined;
  readonly nodeId?: string | undefined;
  readonly ownerKeyId?: string | undefined;
  readonly profileId?: string | undefined;
  readonly metadata?: Metadata | undefined;
  /** Id of the session to start after: the last one of the page before. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/**
 * Sessions in SQL. Every change of a session writes its event in the same statement.
 *
 * Every event is written under the lock of its session's row, so that a session's events get their ids in the order in which they
 * are committed, and a reader that has seen one has seen all before it.
 */
export class SessionRepository {
  readonly #db: Queryable;
  readonly #nodeId: string;

  constructor(db: Queryable, nodeId: string) {
    this.#db = db;
    this.#nodeId = nodeId;
  }

  /** The same as another node. */
  as(nodeId: string): SessionRepository {
    return new SessionRepository(this.#db, nodeId);
  }

  async insert(session: NewSession): Promise<SessionRecord> {
    const { id, profileId, headless, stealthLevel, options, metadata, timeoutMs, maxLifetimeMs } = session;
    const { maxRequests, memoryLimitBytes, recycle, proxyId, ownerKeyId } = session;
    const rows = await this.#db.query<SessionRow>(
      `with inserted as (
         insert into sessions
           (id, node_id, state, headless, stealth_level, options, metadata, timeout_ms, max_lifetime_ms,
            max_requests, memory_limit_bytes, recycle, profile_id, proxy_id, owner_key_id)
         values ($1, $2, 'INITIALIZING', $3, $4, $5::jsonb, $6::jsonb, $7, $8, $9, $10, $11, $12, $13, $14)
         returning *
       ), event as (
         insert into session_events (session_id, type, to_state, reason)
         select id, 'created', state, 'requested' from inserted
       )
       select ${SESSION_COLUMNS} from inserted as sessions`,
      [
        id,
        this.#nodeId,
        headless,
        stealthLevel,
        JSON.stringify(options),
        JSON.stringify(metadata),
        timeoutMs,
        maxLifetimeMs,
        maxRequests,
        memoryLimitBytes,
        recycle,
        profileId,
        proxyId,
        ownerKeyId,
      ],
    );
    return toRecord(only(rows));
  }

  async find(id: string): Promise<SessionRecord | undefined> {
    const [row] = await this.#db.query<SessionRow>(`select ${SESSION_COLUMNS} from sessions where id = $1`, [id]);
    return row && toRecord(row);
  }

  /** Newest first, at most `limit`. */
  async list({
    state,
    nodeId,
    ownerKeyId,
    profileId,
    metadata,
    after,
    limit,
  }: SessionFilter): Promise<SessionRecord[]> {
    // Only the filters in use become part of the statement, so that each shape is planned with the index made for it.
    const filters: readonly (readonly [condition: (parameter: string) => string, value: unknown])[] = [
      [(parameter) => `state = ${parameter}`, state],
      [(parameter) => `node_id = ${parameter}`, nodeId],
      [(parameter) => `owner_key_id = ${parameter}::uuid`, ownerKeyId],
      [(parameter) => `profile_id = ${parameter}::uuid`, profileId],
      [(parameter) => `metadata @> ${parameter}::jsonb`, metadata && JSON.stringify(metadata)],
      [
        (parameter) =>
          `(created_at, id) < (select last.created_at, last.id from sessions as last where last.id = ${parameter}::uuid)`,
        after,
      ],
    ];
    const used = filters.filter(([, value]) => value !== undefined);
    const conditions = used.map(([condition], index) => condition(`$${index + 2}`));
    const rows = await this.#db.query<SessionRow>(
      `select ${SESSION_COLUMNS} from sessions
       where ${['true', ...conditions].join(' and ')}
       order by created_at desc, id desc
       limit $1`,
      [limit, ...used.map(([, value]) => value)],
    );
    return rows.map(toRecord);
  }

  /**
   * Moves one session of this node along the state machine in a single statement, its event with it. What a node that was given up does of
   * its former sessions changes nothing of those that others have gone on with.
   *
   * The row is locked before its state is looked at: two callers racing for the same move have exactly one winner, on
   * one node or on many, and a move that is still allowed after the other's is made then. (An UPDATE that joins the
   * moves directly would keep the source state it had read before it waited, and lose that one.) Returns undefined to
   * the loser, and where there is no such session. The first close reason stays.
   */
  async move(id: string, trigger: SessionTrigger, details: MoveDetails): Promise<SessionRecord | undefined> {
    const moves = movesOf(trigger);
    const { reason, closeReason, error, cdpPort, identity, lastActivityAt, requestCount, eventType, nodeId } = details;
    const [row] = await this.#db.query<SessionRow>(
      `with locked as (
         select id, state as from_state from sessions where id = $1 and node_id = $12 and state = any ($2::text[]) for update
       ), moved as (
         update sessions
         set state = moves.target,
             close_reason = coalesce(sessions.close_reason, $4),
             error = coalesce($5, sessions.error),
             node_id = coalesce($13, sessions.node_id),
             cdp_port = case when moves.target in ('CLOSED', 'INITIALIZING') then null else coalesce($6, sessions.cdp_port) end,
             identity = coalesce($7::jsonb, sessions.identity),
             last_activity_at = coalesce($8, sessions.last_activity_at),
             request_count = coalesce($10, sessions.request_count),
             started_at = coalesce(sessions.started_at, case when moves.target = 'ACTIVE' then now() end),
             closed_at = case when moves.target = 'CLOSED' then now() end
         from locked join unnest($2::text[], $3::text[]) as moves (source, target) on moves.source = locked.from_state
         where sessions.id = locked.id
         returning sessions.*, locked.from_state
       ), event as (
         insert into session_events (session_id, type, from_state, to_state, reason)
         select id, $11, from_state, state, $9 from moved
       ), forgotten as (
         delete from session_checkpoints using moved where session_id = moved.id and moved.state = 'CLOSED'
       )
       select ${SESSION_COLUMNS} from moved as sessions`,
      [
        id,
        moves.map(([from]) => from),
        moves.map(([, to]) => to),
        closeReason ?? null,
        error ?? null,
        cdpPort ?? null,
        identity === undefined ? null : JSON.stringify(identity),
        lastActivityAt ?? null,
        reason,
        requestCount ?? null,
        eventType ?? 'stateChanged',
        this.#nodeId,
        nodeId ?? null,
      ],
    );
    return row && toRecord(row);
  }

  /**
   * Brings the rows of sessions up to date with their use, in one statement. Those that are ending are left out: their last
   * move has it. A count that has become higher meanwhile stays.
   */
  async storeUse(uses: readonly SessionUse[]): Promise<void> {
    await this.#db.query(
      `update sessions
       set request_count = greatest(sessions.request_count, used.request_count),
           last_activity_at = greatest(sessions.last_activity_at, used.last_activity_at)
       from unnest($1::uuid[], $2::bigint[], $3::timestamptz[]) as used (id, request_count, last_activity_at)
       where sessions.id = used.id and sessions.node_id = $4 and sessions.state <> all ('{CLOSING,CLOSED}')`,
      [
        uses.map(({ id }) => id),
        uses.map(({ requestCount }) => requestCount),
        uses.map(({ lastActivityAt }) => lastActivityAt),
        this.#nodeId,
      ],
    );
  }

  /** Changes what a client may change of a session that has not ended; undefined when it has, or there is none. */
  async update(id: string, changes: SessionChanges): Promise<SessionRecord | undefined> {
    const { timeoutMs, maxLifetimeMs, maxRequests, memoryLimitBytes, metadata, egress } = changes;
    const [row] = await this.#db.query<SessionRow>(
      `with updated as (
         update sessions
         set timeout_ms = coalesce($2, timeout_ms),
             max_lifetime_ms = case when $3 then $4 else max_lifetime_ms end,
             max_requests = case when $5 then $6 else max_requests end,
             memory_limit_bytes = case when $7 then $8 else memory_limit_bytes end,
             metadata = coalesce($9::jsonb, metadata),
             options = case when $10::jsonb is null then options else jsonb_set(options, '{egress}', $10) end,
             proxy_id = case when $10::jsonb is null then proxy_id else ($10 #>> '{proxy,id}')::uuid end
         where id = $1 and state <> all ('{CLOSING,CLOSED}')
         returning *
       ), event as (
         insert into session_events (session_id, type, reason) select id, 'updated', 'requested' from updated
       )
       select ${SESSION_COLUMNS} from updated as sessions`,
      [
        id,
        timeoutMs ?? null,
        ...[maxLifetimeMs, maxRequests, memoryLimitBytes].flatMap((value) => [value !== undefined, value ?? null]),
        metadata === undefined ? null : JSON.stringify(metadata),
        egress === undefined ? null : JSON.stringify(egress),
      ],
    );
    return row && toRecord(row);
  }

  /** Adds to the history of a session; nothing happens when there is no such session any more. */
  async addEvent(id: string, type: SessionEventType, { reason, data = {} }: EventDetails): Promise<void> {
    await this.#db.query(
      `with locked as (select id from sessions where id = $1 for update)
       insert into session_events (session_id, type, reason, data) select id, $2, $3, $4::jsonb from locked`,
      [id, type, reason, toJsonb(data)],
    );
  }

  /** The options a session was created with; undefined where there is no such session. */
  async findOptions(id: string): Promise<object | undefined> {
    const [row] = await this.#db.query<{ options: object }>('select options from sessions where id = $1', [id]);
    return row?.options;
  }

  /** Ids of this node's sessions that have not ended. */
  async listLiveIds(): Promise<string[]> {
    const rows = await this.#db.query<{ id: string }>(
      'select id from sessions where node_id = $1 and state = any ($2::text[])',
      [this.#nodeId, LIVE_STATES],
    );
    return rows.map(({ id }) => id);
  }

  /** A session's events, oldest first: at most `limit` of those after the event `after`. */
  async listEvents(id: string, { after, limit }: { after: number; limit: number }): Promise<SessionEvent[]> {
    const rows = await this.#db.query<EventRow>(
      `select ${EVENT_COLUMNS} from session_events where session_id = $1 and id > $2 order by id limit $3`,
      [id, after, limit],
    );
    return rows.map(toEvent);
  }
}

function only<Row>(rows: readonly Row[]): Row {
  const [row] = rows;
  if (row === undefined || rows.length > 1) throw new Error(`Expected one row, got ${rows.length}`);
  return row;
}
