import type { CheckFailureReason, ProxyExit } from '@guise/contract';

import type { ListPosition } from '../../lib/list-cursor.ts';
import type { Database } from '../../platform/postgres/index.ts';
import { type NewProxy, PROXY_COLUMNS, type ProxyRecord, type ProxyRow, toProxyRecord } from './proxy-record.ts';

/** More members than that of all groups together nobody looks through. */
const MAX_GROUP_MEMBERS = 10_000;

/** Which proxies to list; absent members do not filter. */
export interface ProxyFilter {
  readonly tag?: string | undefined;
  readonly rotationGroup?: string | undefined;
  /** As its owner says, or else as a check found it. */
  readonly country?: string | undefined;
  readonly isActive?: boolean | undefined;
  readonly after?: ListPosition | undefined;
  readonly limit: number;
}

/** What may be changed of a proxy; absent members stay as they are. */
export type ProxyChanges = { readonly [Key in keyof Omit<NewProxy, 'id'>]?: NewProxy[Key] | undefined };

/** What a check found. */
export type CheckOutcome =
  | { readonly isOk: true; readonly exit: ProxyExit; readonly connectMs: number; readonly latencyMs: number }
  | { readonly isOk: false; readonly reason: CheckFailureReason };

/** How a proxy did for the sessions of a node since that was last written down. */
export interface ProxyUse {
  readonly id: string;
  readonly usedAt: Date;
  /** Connections that failed since one did not; undefined: none told anything of the proxy. */
  readonly failuresInARow: number | undefined;
}

const COLUMN_OF: Readonly<Record<keyof ProxyChanges, string>> = {
  name: 'name',
  protocol: 'protocol',
  host: 'host',
  port: 'port',
  username: 'username',
  passwordSealed: 'password_sealed',
  country: 'country',
  city: 'city',
  timezone: 'timezone',
  locale: 'locale',
  latitude: 'latitude',
  longitude: 'longitude',
  rotationGroup: 'rotation_group',
  rotationUrl: 'rotation_url',
  tags: 'tags',
  notes: 'notes',
  isActive: 'is_active',
};
/** A proxy that is another one now: what was found of the old one is no more. */
const ADDRESS: readonly (keyof ProxyChanges)[] = ['protocol', 'host', 'port', 'username', 'passwordSealed'];
const FORGET_CHECKS = `last_checked_at = null, last_check_ok = null, last_check_error = null, last_connect_ms = null,
  last_latency_ms = null, last_exit_ip = null, exit_country = null, exit_timezone = null, exit_timezone_certain = false,
  exit_locale = null, exit_latitude = null, exit_longitude = null, failed_checks_in_a_row = 0`;

function isColumn(key: string): key is keyof ProxyChanges {
  return Object.hasOwn(COLUMN_OF, key);
}

/** Upstream proxies in SQL. */
export class ProxyRepository {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async insert({ id, ...members }: NewProxy): Promise<ProxyRecord> {
    const given = Object.entries(members).filter(([key]) => isColumn(key));
    const columns = given.map(([key]) => COLUMN_OF[key as keyof ProxyChanges]);
    const [row] = await this.#db.query<ProxyRow>(
      `insert into proxies (id, ${columns.join(', ')}) values ($1, ${columns.map((_, index) => `$${index + 2}`).join(', ')})
       returning ${PROXY_COLUMNS}`,
      [id, ...given.map(([, value]) => value)],
    );
    if (row === undefined) throw new Error('A proxy was written and is not there');
    return toProxyRecord(row);
  }

  async find(id: string): Promise<ProxyRecord | undefined> {
    const [row] = await this.#db.query<ProxyRow>(`select ${PROXY_COLUMNS} from proxies where id = $1`, [id]);
    return row && toProxyRecord(row);
  }

  /** Newest first, at most `limit`. */
  async list({ tag, rotationGroup, country, isActive, after, limit }: ProxyFilter): Promise<ProxyRecord[]> {
    // Only the filters in use become part of the statement, so that each shape is planned with the index made for it.
    const filters: readonly (readonly [condition: (parameter: string) => string, value: unknown])[] = [
      [(parameter) => `tags @> ${parameter}::text[]`, tag && [tag]],
      [(parameter) => `rotation_group = ${parameter}`, rotationGroup],
      [(parameter) => `coalesce(country, exit_country) = ${parameter}`, country],
      [(parameter) => `is_active = ${parameter}`, isActive],
      [
        (parameter) =>
          `(created_at, id) < (select to_timestamp(0) + (at ->> 0)::bigint * interval '1 microsecond', (at ->> 1)::uuid
            from (select ${parameter}::jsonb as at) as position)`,
        after && JSON.stringify([after.createdMicros, after.id]),
      ],
    ];
    const used = filters.filter(([, value]) => value !== undefined);
    const conditions = used.map(([condition], index) => condition(`$${index + 2}`));
    const rows = await this.#db.query<ProxyRow>(
      `select ${PROXY_COLUMNS} from proxies where ${['true', ...conditions].join(' and ')}
       order by created_at desc, id desc limit $1`,
      [limit, ...used.map(([, value]) => value)],
    );
    return rows.map(toProxyRecord);
  }

  /**
   * Changes a proxy; undefined where there is none. Another address or credential makes it another proxy: what checks have found is
   * forgotten.
   */
  async update(id: string, changes: ProxyChanges): Promise<ProxyRecord | undefined> {
    const given = Object.entries(changes).filter(([key, value]) => isColumn(key) && value !== undefined);
    if (given.length === 0) return this.find(id);
    const sets = given.map(([key], index) => `${COLUMN_OF[key as keyof ProxyChanges]} = $${index + 2}`);
    const isOther = ADDRESS.some((key) => changes[key] !== undefined);
    const [row] = await this.#db.query<ProxyRow>(
      `update proxies set ${[...sets, ...(isOther ? [FORGET_CHECKS] : [])].join(', ')} where id = $1
       returning ${PROXY_COLUMNS}`,
      [id, ...given.map(([, value]) => value)],
    );
    return row && toProxyRecord(row);
  }

  /** Deletes a proxy, from the profiles and sessions that name it too; false where there is none. */
  async delete(id: string): Promise<boolean> {
    const rows = await this.#db.query('delete from proxies where id = $1 returning id', [id]);
    return rows.length > 0;
  }

  /** All that are in a rotation group, by group and the time of their use, the longest unused first. */
  async listGroupMembers(): Promise<ProxyRecord[]> {
    const rows = await this.#db.query<ProxyRow>(
      `select ${PROXY_COLUMNS} from proxies where rotation_group is not null
       order by rotation_group, last_used_at nulls first, id limit $1`,
      [MAX_GROUP_MEMBERS],
    );
    return rows.map(toProxyRecord);
  }

  /** The active proxies of a group, the longest unused first. */
  async listActiveOf(rotationGroup: string): Promise<ProxyRecord[]> {
    const rows = await this.#db.query<ProxyRow>(
      `select ${PROXY_COLUMNS} from proxies where rotation_group = $1 and is_active
       order by last_used_at nulls first, id`,
      [rotationGroup],
    );
    return rows.map(toProxyRecord);
  }

  /**
   * Takes the proxy of a group that was used longest ago, none of `avoided`, and notes that it is used: of sessions that start at once on any
   * node each gets another, as long as there are enough. Undefined where there is none.
   */
  async takeTurn(rotationGroup: string, avoided: readonly string[]): Promise<string | undefined> {
    return this.#db.transaction(async (tx) => {
      // One at a time: a row that somebody else has just taken would pass for the oldest by the order it had before.
      await tx.query("select pg_advisory_xact_lock(hashtextextended('proxy group ' || $1, 0))", [rotationGroup]);
      const [row] = await tx.query<{ id: string }>(
        `update proxies set last_used_at = clock_timestamp()
         where id = (
           select id from proxies
           where rotation_group = $1 and is_active and id <> all ($2::uuid[])
           order by last_used_at nulls first, id limit 1
         )
         returning id`,
        [rotationGroup, avoided],
      );
      return row?.id;
    });
  }

  /** Writes down how proxies did, in one statement. Deleted ones are left out. */
  async recordUses(uses: readonly ProxyUse[]): Promise<void> {
    if (uses.length === 0) return;
    await this.#db.query(
      `update proxies
       set last_used_at = greatest(last_used_at, "usedAt"),
           failed_checks_in_a_row = coalesce("failuresInARow", failed_checks_in_a_row)
       from jsonb_to_recordset($1::jsonb) as use (id uuid, "usedAt" timestamptz, "failuresInARow" integer)
       where proxies.id = use.id`,
      [JSON.stringify(uses)],
    );
  }

  /** Writes down what a check found, unless the proxy was edited since `record` was read; gives what there is then. */
  async recordCheck({ id, updatedAt }: ProxyRecord, outcome: CheckOutcome): Promise<ProxyRecord | undefined> {
    const found = outcome.isOk ? outcome : undefined;
    await this.#db.query(
      `update proxies
       set last_checked_at = now(), last_check_ok = $3, last_check_error = $4,
           failed_checks_in_a_row = case when $3 then 0 else failed_checks_in_a_row + 1 end,
           last_connect_ms = coalesce($5, last_connect_ms), last_latency_ms = coalesce($6, last_latency_ms),
           last_exit_ip = coalesce($7::inet, last_exit_ip),
           exit_country = case when $3 then $8 else exit_country end,
           exit_timezone = case when $3 then $9 else exit_timezone end,
           exit_timezone_certain = case when $3 then $10 else exit_timezone_certain end,
           exit_locale = case when $3 then $11 else exit_locale end,
           exit_latitude = case when $3 then $12 else exit_latitude end,
           exit_longitude = case when $3 then $13 else exit_longitude end
       where id = $1 and date_trunc('milliseconds', updated_at) = $2`,
      [
        id,
        updatedAt,
        outcome.isOk,
        outcome.isOk ? null : outcome.reason,
        found?.connectMs ?? null,
        found?.latencyMs ?? null,
        ...exitValues(found?.exit),
      ],
    );
    return this.find(id);
  }

  /** Takes active proxies whose last check is older than that, the oldest first: no other node gets them until they are due again. */
  async takeDue(olderThanMs: number, limit: number): Promise<ProxyRecord[]> {
    const rows = await this.#db.query<ProxyRow>(
      `update proxies set last_checked_at = now()
       where id in (
         select id from proxies
         where is_active and (last_checked_at is null or last_checked_at < now() - $1 * interval '1 millisecond')
         order by last_checked_at nulls first limit $2
         for no key update skip locked
       )
       returning ${PROXY_COLUMNS}`,
      [olderThanMs, limit],
    );
    return rows.map(toProxyRecord);
  }
}

function exitValues(exit: ProxyExit | undefined): readonly unknown[] {
  if (exit === undefined) return [null, null, null, false, null, null, null];
  const { address, country, timezone, isTimezoneCertain, locale, latitude, longitude } = exit;
  return [address, country, timezone, isTimezoneCertain, locale, latitude, longitude];
}
