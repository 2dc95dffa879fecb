import type { Queryable } from '../../../platform/postgres/index.ts';
import { STATE_COLUMNS, type StateRecord, type StateRow, toStateRecord } from '../profile-record.ts';

/** Who writes a state: the session that wears the profile, or null for somebody who needs nobody to wear it. */
type Writer = string | null;

/** A version that has been begun: its object is being stored. */
export interface BegunState {
  readonly profileId: string;
  readonly version: number;
  readonly objectKey: string;
}

/** What is known of a version once its object is whole. */
export interface StoredState {
  readonly sizeBytes: number;
  readonly sha256: Uint8Array;
}

/** The lock of a profile is free for its writer: held by it on this node, or by nobody. `nodeId` is the parameter with that. */
function mayWrite(nodeId: string): string {
  return `(locked_by_session_id is not distinct from $2::uuid and ($2::uuid is null or locked_by_node_id = ${nodeId}))`;
}

/**
 * Versions of saved states in SQL.
 *
 * A version is begun before its object is stored and completed after that, both only while the writer has the profile to itself;
 * only complete ones are ever read. What was begun and not completed is obsolete as soon as a later version is complete.
 */
export class StateRepository {
  readonly #db: Queryable;
  readonly #nodeId: string;

  constructor(db: Queryable, nodeId: string) {
    this.#db = db;
    this.#nodeId = nodeId;
  }

  /** Begins the next version; undefined where there is no such profile, or somebody else wears it. */
  async begin(
    profileId: string,
    { writer, objectKey, chromiumVersion }: { writer: Writer; objectKey: string; chromiumVersion: string | null },
  ): Promise<BegunState | undefined> {
    const [row] = await this.#db.query<{ version: number }>(
      `with counted as (
         update profiles set last_state_version = last_state_version + 1
         where id = $1 and ${mayWrite('$5')}
         returning id, last_state_version
       )
       insert into profile_states (profile_id, version, object_key, chromium_version, saved_by_session_id)
       select id, last_state_version, $3, $4, (select sessions.id from sessions where sessions.id = $2)
       from counted
       returning version`,
      [profileId, writer, objectKey, chromiumVersion, this.#nodeId],
    );
    return row && { profileId, version: row.version, objectKey };
  }

  /** Makes a begun version one that is read; undefined where the writer has lost the profile meanwhile. */
  async complete(
    { profileId, version }: BegunState,
    { writer, stored }: { writer: Writer; stored: StoredState },
  ): Promise<StateRecord | undefined> {
    const [row] = await this.#db.query<StateRow>(
      `with writable as (select id from profiles where id = $1 and ${mayWrite('$6')} for update)
       update profile_states
       set size_bytes = $4, sha256 = $5, saved_at = now()
       from writable
       where profile_id = writable.id and version = $3
       returning ${STATE_COLUMNS}`,
      [profileId, writer, version, stored.sizeBytes, stored.sha256, this.#nodeId],
    );
    return row && toStateRecord(row);
  }

  /** A complete version. */
  async find(profileId: string, version: number): Promise<StateRecord | undefined> {
    const [row] = await this.#db.query<StateRow>(
      `select ${STATE_COLUMNS} from profile_states where profile_id = $1 and version = $2 and saved_at is not null`,
      [profileId, version],
    );
    return row && toStateRecord(row);
  }

  /** The complete versions, newest first. */
  async list(profileId: string): Promise<StateRecord[]> {
    const rows = await this.#db.query<StateRow>(
      `select ${STATE_COLUMNS} from profile_states where profile_id = $1 and saved_at is not null order by version desc`,
      [profileId],
    );
    return rows.map(toStateRecord);
  }

  /** Versions nobody needs: complete ones but the newest `keep`, and those begun before one that is complete. */
  async listObsolete(profileId: string, keep: number): Promise<BegunState[]> {
    const rows = await this.#db.query<{ version: number; object_key: string }>(
      `with complete as (
         select version, row_number() over (order by version desc) as place
         from profile_states where profile_id = $1 and saved_at is not null
       )
       select profile_states.version, object_key
       from profile_states left join complete on complete.version = profile_states.version
       where profile_id = $1
         and (complete.place > $2
           or (complete.place is null and profile_states.version < (select max(version) from complete)))`,
      [profileId, keep],
    );
    return rows.map(({ version, object_key: objectKey }) => ({ profileId, version, objectKey }));
  }

  /** All versions, complete or not. */
  async listAll(profileId: string): Promise<BegunState[]> {
    const rows = await this.#db.query<{ version: number; object_key: string }>(
      'select version, object_key from profile_states where profile_id = $1',
      [profileId],
    );
    return rows.map(({ version, object_key: objectKey }) => ({ profileId, version, objectKey }));
  }

  /** Forgets a version, whose object is gone. */
  async remove({ profileId, version }: BegunState): Promise<void> {
    await this.#db.query('delete from profile_states where profile_id = $1 and version = $2', [profileId, version]);
  }
}
