import type { KeyRole } from '@guise/contract';

import type { Database, Queryable } from '../../platform/postgres/index.ts';
import { hashSecret, hintOf } from './key-secret.ts';

/** A key of the setting API_KEYS. */
export interface BootstrapKey {
  readonly name: string;
  readonly role: KeyRole;
  readonly secret: string;
}

/** A key of the setting cannot be had in this database; the message says why, and shows no secret. */
export class BootstrapKeyError extends Error {
  override readonly name = 'BootstrapKeyError';
}

/** Any number that nothing else in this database takes a lock on. */
const SYNC_LOCK = 7_346_021;

/**
 * Brings the keys of the environment in the database in step with the setting: new ones are added, changed ones are changed, and those that are
 * gone are revoked. A key keeps its id, and with it all that belongs to it, as long as it has its name or its secret.
 *
 * @throws {BootstrapKeyError} when a name or a secret is that of a key made over the API
 */
export async function syncBootstrapKeys(db: Database, keys: readonly BootstrapKey[]): Promise<void> {
  await db.transaction(async (tx) => {
    // Nodes that start at once do it one after the other.
    await tx.query('select pg_advisory_xact_lock($1)', [SYNC_LOCK]);
    await tx.query(
      `update api_keys set revoked_at = now()
       where origin = 'environment' and revoked_at is null and name <> all ($1::text[]) and key_hash <> all ($2::bytea[])`,
      [keys.map(({ name }) => name), keys.map(({ secret }) => hashSecret(secret))],
    );
    for (const key of keys) await syncOne(tx, key);
  });
}

async function syncOne(tx: Queryable, { name, role, secret }: BootstrapKey): Promise<void> {
  const hash = hashSecret(secret);
  const [other] = await tx.query(
    `select 1 from api_keys where origin = 'api' and (key_hash = $1 or (name = $2 and revoked_at is null))`,
    [hash, name],
  );
  if (other !== undefined) throw new BootstrapKeyError(`"${name}" has the name or secret of a key made over the API`);
  const [known] = await tx.query<{ id: string }>(
    `select id from api_keys where origin = 'environment' and (key_hash = $1 or name = $2)
     order by key_hash = $1 desc, revoked_at nulls first limit 1`,
    [hash, name],
  );
  if (known === undefined) {
    await tx.query(
      `insert into api_keys (name, role, origin, key_hash, key_hint) values ($1, $2, 'environment', $3, $4)`,
      [name, role, hash, hintOf(secret)],
    );
    return;
  }
  // Another one of this name was replaced by it.
  await tx.query(
    `update api_keys set revoked_at = now()
     where origin = 'environment' and name = $1 and id <> $2 and revoked_at is null`,
    [name, known.id],
  );
  await tx.query(
    `update api_keys set name = $2, role = $3, key_hash = $4, key_hint = $5, revoked_at = null
     where id = $1`,
    [known.id, name, role, hash, hintOf(secret)],
  );
}
