import { randomBytes } from 'node:crypto';

import type { Queryable } from './database.ts';

const SECRET_BYTES = 32;

/**
 * A random key that belongs to the installation: made by whoever asks first, the same for every node after that.
 */
export async function loadInstanceSecret(db: Queryable, name: string): Promise<Buffer> {
  await db.query('insert into instance_secrets (name, secret) values ($1, $2) on conflict (name) do nothing', [
    name,
    randomBytes(SECRET_BYTES),
  ]);
  const [row] = await db.query<{ secret: Buffer }>('select secret from instance_secrets where name = $1', [name]);
  if (row === undefined) throw new Error(`The secret ${name} was removed while it was made`);
  return row.secret;
}
