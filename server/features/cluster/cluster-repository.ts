import type { Queryable } from '../../platform/postgres/index.ts';

/** How a node stands with the others. */
export type Standing = 'member' | 'lost' | 'superseded';

/** A node with sessions that have not ended, or one that is known to be lost. */
interface Suspect {
  readonly nodeId: string;
  /** Null where a node of this name never joined. */
  readonly epoch: number | null;
}

interface StandingRow {
  epoch: number;
  is_lost: boolean;
}

/** Days after which a node that was lost is forgotten. */
const REMEMBERED_DAYS = 7;

/**
 * Membership of a cluster in SQL: who may own sessions.
 *
 * A node joins with an epoch higher than any before. Whoever declares it lost does so for that epoch, in one guarded statement: of many
 * one does, and none where the node has joined anew meanwhile.
 */
export class ClusterRepository {
  readonly #db: Queryable;

  constructor(db: Queryable) {
    this.#db = db;
  }

  /** Makes a node a member, whatever it was before. Returns its epoch. */
  async join(nodeId: string): Promise<number> {
    const [row] = await this.#db.query<{ epoch: number }>(
      `insert into cluster_nodes (node_id) values ($1)
       on conflict (node_id) do update
         set epoch = cluster_nodes.epoch + 1, joined_at = now(), lost_at = null, lost_by = null
       returning epoch`,
      [nodeId],
    );
    if (row === undefined) throw new Error('A node could not join: nothing was written');
    return row.epoch;
  }

  /** Ends a membership; nothing happens where the node was lost or has joined anew. */
  async leave(nodeId: string, epoch: number): Promise<void> {
    await this.#db.query('delete from cluster_nodes where node_id = $1 and epoch = $2 and lost_at is null', [
      nodeId,
      epoch,
    ]);
  }

  async findStanding(nodeId: string, epoch: number): Promise<Standing> {
    const [row] = await this.#db.query<StandingRow>(
      'select epoch, lost_at is not null as is_lost from cluster_nodes where node_id = $1',
      [nodeId],
    );
    if (row === undefined || (row.epoch === epoch && row.is_lost)) return 'lost';
    return row.epoch === epoch ? 'member' : 'superseded';
  }

  /** Declares a member of this epoch lost. Of many who do so at once one is told true. */
  async declareLost(nodeId: string, epoch: number, by: string): Promise<boolean> {
    const rows = await this.#db.query(
      `with forgotten as (
         delete from cluster_nodes
         where lost_at < now() - make_interval(days => $4) and node_id <> $1
           and not exists (select from sessions where sessions.node_id = cluster_nodes.node_id and state <> 'CLOSED')
       )
       update cluster_nodes set lost_at = now(), lost_by = $3
       where node_id = $1 and epoch = $2 and lost_at is null
       returning node_id`,
      [nodeId, epoch, by, REMEMBERED_DAYS],
    );
    return rows.length > 0;
  }

  /** The same for a name that is no member's and has sessions nevertheless. */
  async declareUnknownLost(nodeId: string, by: string): Promise<boolean> {
    const rows = await this.#db.query(
      `insert into cluster_nodes (node_id, lost_at, lost_by) values ($1, now(), $2)
       on conflict (node_id) do nothing returning node_id`,
      [nodeId, by],
    );
    return rows.length > 0;
  }

  /** Nodes that own sessions which have not ended, by the rows. */
  async listOwners(): Promise<Suspect[]> {
    const rows = await this.#db.query<{ node_id: string; epoch: number | null }>(
      `select owners.node_id, cluster_nodes.epoch
       from (select distinct node_id from sessions where state <> 'CLOSED') as owners
       left join cluster_nodes using (node_id)`,
    );
    return rows.map(({ node_id: nodeId, epoch }) => ({ nodeId, epoch }));
  }

  /** Sessions of a lost node that have not ended; none once it has joined anew. */
  async listLeftSessions(nodeId: string): Promise<string[]> {
    const rows = await this.#db.query<{ id: string }>(
      `select sessions.id from sessions join cluster_nodes using (node_id)
       where sessions.node_id = $1 and sessions.state <> 'CLOSED' and cluster_nodes.lost_at is not null`,
      [nodeId],
    );
    return rows.map(({ id }) => id);
  }

  /** The node a session is on; undefined where it has ended: of those there is only the row, which any node reads. */
  async findOwner(sessionId: string): Promise<string | undefined> {
    const [row] = await this.#db.query<{ node_id: string }>(
      "select node_id from sessions where id = $1 and state <> 'CLOSED'",
      [sessionId],
    );
    return row?.node_id;
  }
}
