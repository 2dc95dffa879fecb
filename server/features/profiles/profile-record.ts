import type { Fingerprint } from '@guise/contract';

/** A version of a saved state as the database knows it. */
export interface StateRecord {
  readonly version: number;
  readonly objectKey: string;
  readonly sizeBytes: number;
  readonly chromiumVersion: string | null;
  readonly savedBySessionId: string | null;
  readonly savedAt: Date;
}

/** A profile as the database knows it. */
export interface ProfileRecord {
  readonly id: string;
  /** The key of the tenant it belongs to; null: nobody's. */
  readonly ownerKeyId: string | null;
  readonly name: string;
  readonly notes: string;
  readonly folder: string | null;
  readonly tags: readonly string[];
  readonly fingerprint: Fingerprint;
  readonly defaultProxyId: string | null;
  /** The newest version; null while there is none. */
  readonly state: StateRecord | null;
  /** The session that wears it. */
  readonly lockedBy: string | null;
  readonly useCount: number;
  readonly lastUsedAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Where it stands in the list: its moment of creation to the microsecond, which a `Date` cannot say. */
  readonly createdMicros: number;
}

/** What a profile is made with. */
export interface NewProfile {
  /** The key of the tenant it is to belong to. */
  readonly ownerKeyId: string | null;
  readonly name: string;
  readonly notes: string;
  readonly folder: string | null;
  readonly tags: readonly string[];
  readonly fingerprint: Fingerprint;
  readonly defaultProxyId: string | null;
}

/** A row with the columns of `PROFILE_COLUMNS`. */
export interface ProfileRow {
  id: string;
  owner_key_id: string | null;
  name: string;
  notes: string;
  folder: string | null;
  tags: string[];
  fingerprint: Fingerprint;
  default_proxy_id: string | null;
  locked_by_session_id: string | null;
  use_count: number;
  last_used_at: Date | null;
  created_at: Date;
  updated_at: Date;
  created_micros: number;
  state_version: number | null;
  object_key: string;
  size_bytes: number;
  chromium_version: string | null;
  saved_by_session_id: string | null;
  saved_at: Date;
}

/** Of `profiles` joined with `NEWEST_STATE`. */
export const PROFILE_COLUMNS = `profiles.id, profiles.owner_key_id, profiles.name, profiles.notes, profiles.folder, profiles.tags,
  profiles.fingerprint, profiles.default_proxy_id, profiles.locked_by_session_id, profiles.use_count,
  profiles.last_used_at, profiles.created_at, profiles.updated_at,
  (extract(epoch from profiles.created_at) * 1000000)::bigint as created_micros,
  state.version as state_version, state.object_key, state.size_bytes, state.chromium_version,
  state.saved_by_session_id, state.saved_at`;

/** Joins the newest saved state of each of `profiles`, as `state`. */
export const NEWEST_STATE = `left join lateral (
    select * from profile_states
    where profile_states.profile_id = profiles.id and profile_states.saved_at is not null
    order by profile_states.version desc
    limit 1
  ) as state on true`;

/** A row as the record it stands for. */
export function toProfileRecord(row: ProfileRow): ProfileRecord {
  return {
    id: row.id,
    ownerKeyId: row.owner_key_id,
    name: row.name,
    notes: row.notes,
    folder: row.folder,
    tags: row.tags,
    fingerprint: row.fingerprint,
    defaultProxyId: row.default_proxy_id,
    state: row.state_version === null ? null : toStateRecord({ ...row, version: row.state_version }),
    lockedBy: row.locked_by_session_id,
    useCount: row.use_count,
    lastUsedAt: row.last_used_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    createdMicros: row.created_micros,
  };
}

/** A row of `profile_states` whose object is whole, with the columns of `STATE_COLUMNS`. */
export type StateRow = Pick<
  ProfileRow,
  'object_key' | 'size_bytes' | 'chromium_version' | 'saved_by_session_id' | 'saved_at'
> & { version: number };

export const STATE_COLUMNS = 'version, object_key, size_bytes, chromium_version, saved_by_session_id, saved_at';

/** A row as the record it stands for. */
export function toStateRecord(row: StateRow): StateRecord {
  return {
    version: row.version,
    objectKey: row.object_key,
    sizeBytes: row.size_bytes,
    chromiumVersion: row.chromium_version,
    savedBySessionId: row.saved_by_session_id,
    savedAt: row.saved_at,
  };
}
