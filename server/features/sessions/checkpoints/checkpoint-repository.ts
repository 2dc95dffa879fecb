import type { Queryable } from '../../../platform/postgres/index.ts';

/** The last checkpoint of each session that has any, in SQL. What is in them is sealed. */
export class CheckpointRepository {
  readonly #db: Queryable;
  readonly #nodeId: string;

  constructor(db: Queryable, nodeId: string) {
    this.#db = db;
    this.#nodeId = nodeId;
  }

  /** Keeps a checkpoint in place of the one before; false where the session is not this node's, or ends. */
  async save(sessionId: string, sealed: Buffer): Promise<boolean> {
    // The row's lock keeps its end, which deletes the checkpoint, from passing by unnoticed.
    const rows = await this.#db.query(
      `with owned as (
         select id from sessions
         where id = $1 and node_id = $2 and state = any ('{INITIALIZING,ACTIVE,IDLE,UNHEALTHY}') for share
       )
       insert into session_checkpoints (session_id, sealed) select id, $3 from owned
       on conflict (session_id) do update set sealed = excluded.sealed, saved_at = now()
       returning session_id`,
      [sessionId, this.#nodeId, sealed],
    );
    return rows.length > 0;
  }

  async find(sessionId: string): Promise<Buffer | undefined> {
    const [row] = await this.#db.query<{ sealed: Buffer }>(
      'select sealed from session_checkpoints where session_id = $1',
      [sessionId],
    );
    return row?.sealed;
  }

  /** Those of these sessions that have one. */
  async listSaved(sessionIds: readonly string[]): Promise<string[]> {
    const rows = await this.#db.query<{ session_id: string }>(
      'select session_id from session_checkpoints where session_id = any ($1::uuid[])',
      [sessionIds],
    );
    return rows.map(({ session_id: id }) => id);
  }
}
