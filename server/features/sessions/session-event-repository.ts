import type { SessionEvent } from '@guise/contract';

import { isInScope } from '../../lib/actor.ts';
import type { Queryable } from '../../platform/postgres/index.ts';
import { EVENT_COLUMNS, type EventRow, toEvent } from './event-record.ts';

/** A place in the order in which the events of all sessions are read. */
export interface FeedPosition {
  /** Id of the event last read; 0 for none. */
  readonly id: number;
  /** The transaction that wrote it: an xid8, as text. */
  readonly transactionId: string;
}

interface FeedPage {
  readonly events: readonly SessionEvent[];
  readonly position: FeedPosition;
  /** Whether there are newer ones that cannot be read yet, as an older transaction is still under way. */
  readonly isHeldBack: boolean;
  /** Whether as many were read as were to be, of whomever they are. */
  readonly isFull: boolean;
}

interface PositionRow {
  id: number;
  transaction_id: string;
}

type FeedRow = (EventRow | { [Column in keyof EventRow]: null }) & {
  transaction_id: string;
  owner_key_id: string | null;
  is_held_back: boolean;
};

const BEGINNING: FeedPosition = { id: 0, transactionId: '0' };

function toPosition([row]: readonly PositionRow[]): FeedPosition {
  return row === undefined ? BEGINNING : { id: row.id, transactionId: row.transaction_id };
}

/**
 * The events of all sessions, in an order that nothing is ever put into afterwards.
 *
 * Ids are given out before they are committed, so an event can appear below an id that has been read already. The order here is that of the
 * transactions and, within one, of the ids; and only transactions are read that are older than all that are under way: what
 * commits later then always comes after what has been read.
 */
export class SessionEventRepository {
  readonly #db: Queryable;

  constructor(db: Queryable) {
    this.#db = db;
  }

  /** The end of the feed now. */
  async findEnd(): Promise<FeedPosition> {
    return toPosition(
      await this.#db.query<PositionRow>(
        `select id, transaction_id from session_events
         where transaction_id < pg_snapshot_xmin(pg_current_snapshot())
         order by transaction_id desc, id desc limit 1`,
      ),
    );
  }

  /** Where the event with this id is, or, when it has been cleaned up, the one before it. */
  async findPosition(id: number): Promise<FeedPosition> {
    return toPosition(
      await this.#db.query<PositionRow>(
        'select id, transaction_id from session_events where id <= $1 order by id desc limit 1',
        [id],
      ),
    );
  }

  /**
   * The next events after a position: of `limit` at most those of sessions in `scope`. The others are read over, so that nobody looks at them
   * again and again.
   */
  async readAfter(
    position: FeedPosition,
    { limit, scope }: { readonly limit: number; readonly scope?: string | undefined },
  ): Promise<FeedPage> {
    const rows = await this.#db.query<FeedRow>(
      `with page as (
         select ${EVENT_COLUMNS}, transaction_id from session_events
         where (transaction_id, id) > ($1::xid8, $2) and transaction_id < pg_snapshot_xmin(pg_current_snapshot())
         order by transaction_id, id limit $3
       )
       select page.*,
         (select owner_key_id from sessions where sessions.id = page.session_id) as owner_key_id,
         exists (
           select from session_events where transaction_id >= pg_snapshot_xmin(pg_current_snapshot())
         ) as is_held_back
       from (values (true)) as always left join page on true
       order by page.transaction_id, page.id`,
      [position.transactionId, position.id, limit],
    );
    const events = rows.filter((row): row is EventRow & FeedRow => row.id !== null);
    const last = events.at(-1);
    return {
      events: events.filter((row) => isInScope(scope, row.owner_key_id)).map(toEvent),
      isFull: events.length === limit,
      position: last === undefined ? position : { id: last.id, transactionId: last.transaction_id },
      isHeldBack: rows.some(({ is_held_back: isHeldBack }) => isHeldBack),
    };
  }

  /** Id of a session's last event; 0 for none. */
  async findLastId(sessionId: string): Promise<number> {
    const [row] = await this.#db.query<{ id: number | null }>(
      'select max(id) as id from session_events where session_id = $1',
      [sessionId],
    );
    return row?.id ?? 0;
  }

  /**
   * Puts events of another cluster's transactions, as a dump brings them, before all that this one writes. Returns how many.
   *
   * They would count as written in the future, and nothing new would be read until then.
   */
  async adoptRestored(): Promise<number> {
    const rows = await this.#db.query(
      `update session_events set transaction_id = '0'
       where transaction_id >= pg_snapshot_xmax(pg_current_snapshot()) returning id`,
    );
    return rows.length;
  }
}
