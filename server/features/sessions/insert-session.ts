import type { Database } from '../../platform/postgres/index.ts';
import type { NewSession, SessionRecord } from './session-record.ts';
import { SessionRepository } from './session-repository.ts';

/** Writes a session that begins; undefined, and nothing is written, when its owner has `mostOwned` alive already. */
export type InsertSession = (session: NewSession, mostOwned: number | null) => Promise<SessionRecord | undefined>;

/** Makes what does that, exactly, however many are written at once and on whichever nodes. */
export function sessionInsert(db: Database, nodeId: string): InsertSession {
  return async (session, mostOwned) => {
    const { ownerKeyId } = session;
    if (mostOwned === null || ownerKeyId === null) return new SessionRepository(db, nodeId).insert(session);
    return db.transaction(async (tx) => {
      // One of an owner at a time: who comes next sees those before.
      await tx.query("select pg_advisory_xact_lock(hashtextextended('sessions of ' || $1, 0))", [ownerKeyId]);
      const [row] = await tx.query<{ count: number }>(
        "select count(*) as count from sessions where owner_key_id = $1 and state <> 'CLOSED'",
        [ownerKeyId],
      );
      return (row?.count ?? 0) < mostOwned ? new SessionRepository(tx, nodeId).insert(session) : undefined;
    });
  };
}
