import type { AuditOutcome, AuditRecord, ListAuditQuery } from '@guise/contract';

import type { Queryable } from '../../platform/postgres/index.ts';

/** Which entries; absent members do not filter. */
export type AuditFilter = Omit<ListAuditQuery, 'limit' | 'cursor'> & {
  /** Only older ones than this entry. */
  readonly before?: number | undefined;
  readonly limit: number;
};

interface AuditRow {
  id: number;
  created_at: Date;
  actor_key_id: string | null;
  actor_name: string | null;
  actor_ip: string | null;
  user_agent: string | null;
  action: string;
  resource_type: string | null;
  resource_id: string | null;
  outcome: AuditOutcome;
  status_code: number | null;
  request_id: string | null;
  node_id: string | null;
  details: Record<string, unknown>;
}

const COLUMNS = `id, created_at, actor_key_id, actor_name, host(actor_ip) as actor_ip, user_agent, action, resource_type,
  resource_id, outcome, status_code, request_id, node_id, details`;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function toRecord(row: AuditRow): AuditRecord {
  return {
    id: row.id,
    at: row.created_at.toISOString(),
    actor: { keyId: row.actor_key_id, name: row.actor_name, address: row.actor_ip, userAgent: row.user_agent },
    action: row.action,
    resourceType: row.resource_type,
    resourceId: row.resource_id,
    outcome: row.outcome,
    status: row.status_code,
    requestId: row.request_id,
    nodeId: row.node_id,
    details: row.details,
  };
}

/** The audit trail in SQL, for those who read it. */
export class AuditRepository {
  readonly #db: Queryable;

  constructor(db: Queryable) {
    this.#db = db;
  }

  /** Newest first, at most `limit`. */
  async list(filter: AuditFilter): Promise<AuditRecord[]> {
    const { actor, action, resourceType, resourceId, outcome, since, until, before, limit } = filter;
    const actorColumn = actor !== undefined && UUID.test(actor) ? 'actor_key_id' : 'actor_name';
    const filters: readonly (readonly [condition: (parameter: string) => string, value: unknown])[] = [
      [(parameter) => `${actorColumn} = ${parameter}`, actor],
      [(parameter) => `action = ${parameter}`, action],
      [(parameter) => `resource_type = ${parameter}`, resourceType],
      [(parameter) => `resource_id = ${parameter}`, resourceId],
      [(parameter) => `outcome = ${parameter}`, outcome],
      [(parameter) => `created_at >= ${parameter}`, since],
      [(parameter) => `created_at < ${parameter}`, until],
      [(parameter) => `id < ${parameter}`, before],
    ];
    const used = filters.filter(([, value]) => value !== undefined);
    const conditions = used.map(([condition], index) => condition(`$${index + 2}`));
    const rows = await this.#db.query<AuditRow>(
      `select ${COLUMNS} from audit_logs where ${['true', ...conditions].join(' and ')} order by id desc limit $1`,
      [limit, ...used.map(([, value]) => value)],
    );
    return rows.map(toRecord);
  }

  /** All of them, newest first, a page at a time. */
  async *listAll(filter: Omit<AuditFilter, 'limit' | 'before'>, pageSize: number): AsyncGenerator<AuditRecord[]> {
    let before: number | undefined;
    for (;;) {
      const page = await this.list({ ...filter, before, limit: pageSize });
      if (page.length > 0) yield page;
      if (page.length < pageSize) return;
      before = page.at(-1)?.id;
    }
  }
}
