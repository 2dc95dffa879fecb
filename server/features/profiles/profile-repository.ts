import type { Fingerprint, OsFamily } from '@guise/contract';

import type { ListPosition } from '../../lib/list-cursor.ts';
import type { Queryable } from '../../platform/postgres/index.ts';
import {
  NEWEST_STATE,
  type NewProfile,
  PROFILE_COLUMNS,
  type ProfileRecord,
  type ProfileRow,
  toProfileRecord,
} from './profile-record.ts';

/** How many tags a profile may have. */
const MAX_TAGS = 64;
/** A lock that was held when it was asked for may be free when we look whose it is; then it is asked for again. */
const LOCK_ATTEMPTS = 5;

/** Which profiles to list; absent members do not filter. */
export interface ProfileFilter {
  readonly tag?: string | undefined;
  readonly os?: OsFamily | undefined;
  readonly locale?: string | undefined;
  /** Beginning of the name, in either case. */
  readonly name?: string | undefined;
  readonly folder?: string | undefined;
  readonly ownerKeyId?: string | undefined;
  readonly after?: ListPosition | undefined;
  readonly limit: number;
}

/** What may be changed of a profile; absent members stay as they are. */
export interface ProfileChanges {
  readonly name?: string | undefined;
  readonly notes?: string | undefined;
  readonly folder?: string | null | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly fingerprint?: Fingerprint | undefined;
  readonly defaultProxyId?: string | null | undefined;
}

/** What came of asking for a lock. */
export type LockResult =
  | { readonly outcome: 'locked'; readonly profile: ProfileRecord }
  | { readonly outcome: 'held'; readonly sessionId: string }
  | { readonly outcome: 'missing' };

/**
 * Profiles in SQL, with the lock that says which session wears one.
 *
 * A lock is three columns of the profile's row, taken by one guarded UPDATE, and belongs to a session and its node. It ends when the
 * session does; one whose session is gone is freed by the node it belonged to.
 */
export class ProfileRepository {
  readonly #db: Queryable;
  readonly #nodeId: string;

  constructor(db: Queryable, nodeId: string) {
    this.#db = db;
    this.#nodeId = nodeId;
  }

  /** Writes profiles, all or none, and gives them in their order. */
  async insert(profiles: readonly NewProfile[]): Promise<ProfileRecord[]> {
    const rows = await this.#db.query<ProfileRow>(
      `with given as (
         select gen_random_uuid() as id, each.*, ordinal
         from jsonb_array_elements($1::jsonb) with ordinality as element (value, ordinal),
           jsonb_to_record(element.value) as each (
             name text, notes text, folder text, tags text[], fingerprint jsonb, "defaultProxyId" uuid, "ownerKeyId" uuid
           )
       ), inserted as (
         insert into profiles (id, name, notes, folder, tags, fingerprint, default_proxy_id, owner_key_id, created_at)
         -- A moment of their own each, so that the list has the last of them first.
         select id, name, notes, folder, tags, fingerprint, "defaultProxyId", "ownerKeyId",
           now() + ordinal * interval '1 microsecond'
         from given
         returning *
       )
       select ${PROFILE_COLUMNS} from inserted as profiles ${NEWEST_STATE} order by profiles.created_at`,
      [JSON.stringify(profiles)],
    );
    return rows.map(toProfileRecord);
  }

  async find(id: string): Promise<ProfileRecord | undefined> {
    const [row] = await this.#db.query<ProfileRow>(
      `select ${PROFILE_COLUMNS} from profiles ${NEWEST_STATE} where profiles.id = $1`,
      [id],
    );
    return row && toProfileRecord(row);
  }

  /** Newest first, at most `limit`. */
  async list({ tag, os, locale, name, folder, ownerKeyId, after, limit }: ProfileFilter): Promise<ProfileRecord[]> {
    // Only the filters in use become part of the statement, so that each shape is planned with the index made for it.
    const filters: readonly (readonly [condition: (parameter: string) => string, value: unknown])[] = [
      [(parameter) => `tags @> ${parameter}::text[]`, tag && [tag]],
      [(parameter) => `fingerprint @> ${parameter}::jsonb`, os && JSON.stringify({ os })],
      [(parameter) => `fingerprint @> ${parameter}::jsonb`, locale && JSON.stringify({ locale })],
      [(parameter) => `lower(name) like ${parameter}`, name && beginningWith(name)],
      [(parameter) => `folder = ${parameter}`, folder],
      [(parameter) => `owner_key_id = ${parameter}::uuid`, ownerKeyId],
      [
        (parameter) =>
          `(profiles.created_at, profiles.id) <
             (select to_timestamp(0) + (at ->> 0)::bigint * interval '1 microsecond', (at ->> 1)::uuid
              from (select ${parameter}::jsonb as at) as position)`,
        after && JSON.stringify([after.createdMicros, after.id]),
      ],
    ];
    const used = filters.filter(([, value]) => value !== undefined);
    const conditions = used.map(([condition], index) => condition(`$${index + 2}`));
    const rows = await this.#db.query<ProfileRow>(
      `select ${PROFILE_COLUMNS} from profiles ${NEWEST_STATE}
       where ${['true', ...conditions].join(' and ')}
       order by profiles.created_at desc, profiles.id desc
       limit $1`,
      [limit, ...used.map(([, value]) => value)],
    );
    return rows.map(toProfileRecord);
  }

  /** Changes a profile, worn or not; undefined where there is none. */
  async update(id: string, changes: ProfileChanges): Promise<ProfileRecord | undefined> {
    const { name, notes, folder, tags, fingerprint, defaultProxyId } = changes;
    const [row] = await this.#db.query<ProfileRow>(
      `with updated as (
         update profiles
         set name = coalesce($2, name),
             notes = coalesce($3, notes),
             folder = case when $4 then $5 else folder end,
             tags = coalesce($6, tags),
             fingerprint = coalesce($7::jsonb, fingerprint),
             default_proxy_id = case when $8 then $9::uuid else default_proxy_id end
         where id = $1
         returning *
       )
       select ${PROFILE_COLUMNS} from updated as profiles ${NEWEST_STATE}`,
      [
        id,
        name ?? null,
        notes ?? null,
        folder !== undefined,
        folder ?? null,
        tags ?? null,
        fingerprint === undefined ? null : JSON.stringify(fingerprint),
        defaultProxyId !== undefined,
        defaultProxyId ?? null,
      ],
    );
    return row && toProfileRecord(row);
  }

  /** Deletes a profile that nobody wears; false where there is none, or somebody does. */
  async delete(id: string): Promise<boolean> {
    const rows = await this.#db.query(
      'delete from profiles where id = $1 and locked_by_session_id is null returning id',
      [id],
    );
    return rows.length > 0;
  }

  /** Adds tags to profiles, behind those they have; gives the ids of those that are there and have room for them. */
  async addTags(ids: readonly string[], tags: readonly string[]): Promise<string[]> {
    const rows = await this.#db.query<{ id: string }>(
      `update profiles
       set tags = profiles.tags || array(select tag from unnest($2::text[]) as tag where tag <> all (profiles.tags))
       where id = any ($1::uuid[])
         and cardinality(profiles.tags) +
           (select count(*) from unnest($2::text[]) as tag where tag <> all (profiles.tags)) <= $3
       returning id`,
      [ids, tags, MAX_TAGS],
    );
    return rows.map(({ id }) => id);
  }

  /** Takes tags from profiles; gives the ids of those that are there. */
  async removeTags(ids: readonly string[], tags: readonly string[]): Promise<string[]> {
    const rows = await this.#db.query<{ id: string }>(
      `update profiles
       set tags = array(
         select tag from unnest(profiles.tags) with ordinality as each (tag, position)
         where tag <> all ($2::text[])
         order by position
       )
       where id = any ($1::uuid[])
       returning id`,
      [ids, tags],
    );
    return rows.map(({ id }) => id);
  }

  /** The ids among these of profiles that are there, and belong to `scope`, if that is given. */
  async listPresent(ids: readonly string[], scope?: string): Promise<string[]> {
    const rows = await this.#db.query<{ id: string }>(
      'select id from profiles where id = any ($1::uuid[]) and ($2::uuid is null or owner_key_id = $2)',
      [ids, scope ?? null],
    );
    return rows.map(({ id }) => id);
  }

  /** Locks a profile for a session of this node; also for one that has it already and was another node's. Of callers at once one gets it. */
  async lock(id: string, sessionId: string): Promise<LockResult> {
    for (let attempt = 1; ; attempt += 1) {
      const [row] = await this.#db.query<ProfileRow>(
        `with locked as (
           update profiles
           set locked_by_session_id = $2, locked_by_node_id = $3, locked_at = now()
           where id = $1 and (locked_by_session_id is null or locked_by_session_id = $2)
           returning *
         )
         select ${PROFILE_COLUMNS} from locked as profiles ${NEWEST_STATE}`,
        [id, sessionId, this.#nodeId],
      );
      if (row !== undefined) return { outcome: 'locked', profile: toProfileRecord(row) };
      const found = await this.find(id);
      if (found === undefined) return { outcome: 'missing' };
      if (found.lockedBy !== null) return { outcome: 'held', sessionId: found.lockedBy };
      if (attempt === LOCK_ATTEMPTS) throw new Error('A lock of a profile changed hands too often');
    }
  }

  /** Frees the lock a session of this node holds; nothing happens where it holds none (any more). */
  async unlock(id: string, sessionId: string): Promise<void> {
    await this.#db.query(
      `update profiles set locked_by_session_id = null, locked_by_node_id = null, locked_at = null
       where id = $1 and locked_by_session_id = $2 and locked_by_node_id = $3`,
      [id, sessionId, this.#nodeId],
    );
  }

  /**
   * Frees the locks of this node's sessions that are gone: not among `owned`, and not alive by their rows. Returns how many.
   */
  async freeLocks(owned: readonly string[]): Promise<number> {
    const rows = await this.#db.query(
      `update profiles set locked_by_session_id = null, locked_by_node_id = null, locked_at = null
       where locked_by_node_id = $1
         and locked_by_session_id <> all ($2::uuid[])
         and not exists (
           select from sessions where sessions.id = profiles.locked_by_session_id and sessions.state <> 'CLOSED'
         )
       returning id`,
      [this.#nodeId, owned],
    );
    return rows.length;
  }
}

/** A pattern for LIKE that matches what begins with a text. */
function beginningWith(text: string): string {
  return `${text.toLowerCase().replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
}
