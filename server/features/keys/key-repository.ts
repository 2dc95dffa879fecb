import type { KeyQuotas, KeyRole } from '@guise/contract';

import type { ListPosition } from '../../lib/list-cursor.ts';
import type { Database } from '../../platform/postgres/index.ts';
import { IS_VALID, KEY_COLUMNS, type KeyRecord, type KeyRow, type NewKey, toKeyRecord } from './key-record.ts';

/** Which keys to list; absent members do not filter. */
export interface KeyFilter {
  readonly role?: KeyRole | undefined;
  readonly isValid?: boolean | undefined;
  readonly after?: ListPosition | undefined;
  readonly limit: number;
}

/** What may be changed of a key; absent members stay as they are. */
export interface KeyChanges {
  readonly name?: string | undefined;
  readonly expiresAt?: string | null | undefined;
  readonly quotas?: Partial<KeyQuotas> | undefined;
  readonly priority?: number | undefined;
}

/** What a tenant uses now. */
export interface TenantUsage {
  readonly sessions: number;
  readonly trafficBytesThisMonth: number;
}

const QUOTA_COLUMNS: Readonly<Record<keyof KeyQuotas, string>> = {
  maxSessions: 'max_sessions',
  maxCreatesPerMinute: 'max_creates_per_minute',
  maxRequestsPerMinute: 'max_requests_per_minute',
  maxTrafficBytesPerMonth: 'max_traffic_bytes_per_month',
};
const THIS_MONTH = `date_trunc('month', now() at time zone 'UTC')::date`;

/** API keys in SQL. */
export class KeyRepository {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async insert(key: NewKey): Promise<KeyRecord> {
    const { quotas } = key;
    const [row] = await this.#db.query<KeyRow>(
      `insert into api_keys
         (name, role, key_hash, key_hint, tenant_key_id, priority, created_by_key_id, expires_at,
          max_sessions, max_creates_per_minute, max_requests_per_minute, max_traffic_bytes_per_month)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
       returning ${KEY_COLUMNS}`,
      [
        key.name,
        key.role,
        key.hash,
        key.hint,
        key.tenantId,
        key.priority,
        key.createdByKeyId,
        key.expiresAt,
        quotas.maxSessions,
        quotas.maxCreatesPerMinute,
        quotas.maxRequestsPerMinute,
        quotas.maxTrafficBytesPerMonth,
      ],
    );
    if (row === undefined) throw new Error('A key was written and is not there');
    return toKeyRecord(row);
  }

  async find(id: string): Promise<KeyRecord | undefined> {
    const [row] = await this.#db.query<KeyRow>(`select ${KEY_COLUMNS} from api_keys where id = $1`, [id]);
    return row && toKeyRecord(row);
  }

  /** The key of this secret, if it can be used now. */
  async findValid(hash: Buffer): Promise<KeyRecord | undefined> {
    const [row] = await this.#db.query<KeyRow>(
      `select ${KEY_COLUMNS} from api_keys where key_hash = $1 and ${IS_VALID}`,
      [hash],
    );
    return row && toKeyRecord(row);
  }

  /** Those of these keys that can be used now. */
  async listValid(ids: readonly string[]): Promise<string[]> {
    const rows = await this.#db.query<{ id: string }>(
      `select id from api_keys where id = any ($1::uuid[]) and ${IS_VALID}`,
      [ids],
    );
    return rows.map(({ id }) => id);
  }

  /** Newest first, at most `limit`. */
  async list({ role, isValid, after, limit }: KeyFilter): Promise<KeyRecord[]> {
    const filters: readonly (readonly [condition: (parameter: string) => string, value: unknown])[] = [
      [(parameter) => `role = ${parameter}`, role],
      [(parameter) => `${IS_VALID} = ${parameter}`, isValid],
      [
        (parameter) =>
          `(created_at, id) < (select to_timestamp(0) + (at ->> 0)::bigint * interval '1 microsecond', (at ->> 1)::uuid
            from (select ${parameter}::jsonb as at) as position)`,
        after && JSON.stringify([after.createdMicros, after.id]),
      ],
    ];
    const used = filters.filter(([, value]) => value !== undefined);
    const conditions = used.map(([condition], index) => condition(`$${index + 2}`));
    const rows = await this.#db.query<KeyRow>(
      `select ${KEY_COLUMNS} from api_keys where ${['true', ...conditions].join(' and ')}
       order by created_at desc, id desc limit $1`,
      [limit, ...used.map(([, value]) => value)],
    );
    return rows.map(toKeyRecord);
  }

  /** Changes a key, revoked or not; undefined where there is none. */
  async update(id: string, { name, expiresAt, quotas = {}, priority }: KeyChanges): Promise<KeyRecord | undefined> {
    const wanted: readonly (readonly [column: string, value: unknown])[] = [
      ['name', name],
      ['expires_at', expiresAt],
      ['priority', priority],
      ...Object.entries(QUOTA_COLUMNS).map(([key, column]) => [column, quotas[key as keyof KeyQuotas]] as const),
    ];
    const given = wanted.filter(([, value]) => value !== undefined);
    if (given.length === 0) return this.find(id);
    const [row] = await this.#db.query<KeyRow>(
      `update api_keys set ${given.map(([column], index) => `${column} = $${index + 2}`).join(', ')} where id = $1
       returning ${KEY_COLUMNS}`,
      [id, ...given.map(([, value]) => value)],
    );
    return row && toKeyRecord(row);
  }

  /** Takes a key out of use for ever; once is enough. Undefined where there is none. */
  async revoke(id: string): Promise<KeyRecord | undefined> {
    const [row] = await this.#db.query<KeyRow>(
      `update api_keys set revoked_at = coalesce(revoked_at, now()) where id = $1 returning ${KEY_COLUMNS}`,
      [id],
    );
    return row && toKeyRecord(row);
  }

  /** Notes when keys were used last. */
  async recordUses(uses: ReadonlyMap<string, Date>): Promise<void> {
    if (uses.size === 0) return;
    await this.#db.query(
      `update api_keys set last_used_at = greatest(last_used_at, used.at)
       from unnest($1::uuid[], $2::timestamptz[]) as used (id, at) where api_keys.id = used.id`,
      [[...uses.keys()], [...uses.values()]],
    );
  }

  /** What a tenant uses now. */
  async findUsage(tenantId: string): Promise<TenantUsage> {
    const [row] = await this.#db.query<{ sessions: number; bytes: number }>(
      `select
         (select count(*) from sessions where owner_key_id = $1 and state <> 'CLOSED') as sessions,
         coalesce((select bytes from key_traffic where key_id = $1 and month = ${THIS_MONTH}), 0) as bytes`,
      [tenantId],
    );
    return { sessions: row?.sessions ?? 0, trafficBytesThisMonth: row?.bytes ?? 0 };
  }

  /** Those of some tenants who have moved all that they may this month. */
  async listSpent(tenantIds: readonly string[]): Promise<string[]> {
    if (tenantIds.length === 0) return [];
    const rows = await this.#db.query<{ id: string }>(
      `select id from api_keys join key_traffic on key_id = id and month = ${THIS_MONTH}
       where id = any($1::uuid[]) and bytes >= max_traffic_bytes_per_month`,
      [tenantIds],
    );
    return rows.map(({ id }) => id);
  }

  /** Adds what tenants have moved to their month. */
  async addTraffic(bytesByTenant: ReadonlyMap<string, number>): Promise<void> {
    if (bytesByTenant.size === 0) return;
    await this.#db.query(
      `insert into key_traffic (key_id, month, bytes)
       select moved.id, ${THIS_MONTH}, moved.bytes
       from unnest($1::uuid[], $2::bigint[]) as moved (id, bytes) join api_keys using (id)
       order by moved.id
       on conflict (key_id, month) do update set bytes = key_traffic.bytes + excluded.bytes`,
      [[...bytesByTenant.keys()], [...bytesByTenant.values()]],
    );
  }
}
