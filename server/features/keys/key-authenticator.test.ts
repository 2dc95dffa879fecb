import { describe, expect, it } from 'vitest';

import { AppError } from '../../lib/app-error.ts';
import { NO_QUOTAS } from '../../lib/actor.ts';
import { KeyAuthenticator } from './key-authenticator.ts';
import type { KeyRecord } from './key-record.ts';
import { hashSecret } from './key-secret.ts';

const SECRET = 'gk_0123456789abcdef0123456789';
const RECORD: KeyRecord = {
  id: 'a',
  name: 'alice',
  role: 'user',
  origin: 'api',
  hint: 'gk_0123',
  tenantId: 'a',
  quotas: NO_QUOTAS,
  priority: 0,
  isValid: true,
  createdByKeyId: null,
  lastUsedAt: null,
  expiresAt: null,
  revokedAt: null,
  createdAt: new Date(0),
  updatedAt: new Date(0),
  createdMicros: 0,
};

/** The far side: a database with one key, which can be revoked and be away. */
function setUp() {
  const database = { isAway: false, isRevoked: false, queries: 0, uses: [] as string[] };
  const clock = { now: 0 };
  const authenticator = new KeyAuthenticator({
    now: () => clock.now,
    keys: {
      async findValid(hash) {
        database.queries += 1;
        if (database.isAway) throw new AppError('DEPENDENCY_UNAVAILABLE', 'away');
        return !database.isRevoked && hash.equals(hashSecret(SECRET)) ? RECORD : undefined;
      },
      async recordUses(uses) {
        database.uses.push(...uses.keys());
      },
    },
  });
  return { authenticator, database, clock };
}

describe('KeyAuthenticator', () => {
  it('knows a key by its secret and nothing else', async () => {
    const { authenticator } = setUp();
    expect(await authenticator.find(SECRET)).toMatchObject({ keyId: 'a', role: 'user', tenantId: 'a' });
    for (const wrong of ['', `${SECRET}x`, SECRET.slice(1), SECRET.toUpperCase(), 'x'.repeat(10_000)]) {
      expect(await authenticator.find(wrong)).toBeUndefined();
    }
  });

  it('asks once for many requests at once, also for a wrong secret', async () => {
    const { authenticator, database } = setUp();
    await Promise.all(Array.from({ length: 50 }, () => authenticator.find(SECRET)));
    expect(database.queries).toBe(1);
    await Promise.all(Array.from({ length: 50 }, () => authenticator.find('wrong')));
    expect(database.queries).toBe(2);
  });

  it('notices within five seconds that a key was revoked, and at once what was changed here', async () => {
    const { authenticator, database, clock } = setUp();
    await authenticator.find(SECRET);
    database.isRevoked = true;
    clock.now = 4_999;
    expect(await authenticator.find(SECRET)).toBeUndefined();
    database.isRevoked = false;
    authenticator.forget();
    expect(await authenticator.find(SECRET)).toBeDefined();
  });

  it('goes on with good keys for a while when the database is away, and with no others', async () => {
    const { authenticator, database, clock } = setUp();
    await authenticator.find(SECRET);
    database.isAway = true;
    clock.now = 60_000;
    expect(await authenticator.find(SECRET)).toMatchObject({ keyId: 'a' });
    await expect(authenticator.find('other')).rejects.toMatchObject({ code: 'DEPENDENCY_UNAVAILABLE' });
    clock.now = 200_000;
    await expect(authenticator.find(SECRET)).rejects.toMatchObject({ code: 'DEPENDENCY_UNAVAILABLE' });
    database.isAway = false;
    expect(await authenticator.find(SECRET)).toMatchObject({ keyId: 'a' });
  });

  it('notes once for many requests that a key was used', async () => {
    const { authenticator, database } = setUp();
    await Promise.all(Array.from({ length: 50 }, () => authenticator.find(SECRET)));
    await authenticator.storeUses();
    await authenticator.storeUses();
    expect(database.uses).toEqual(['a']);
  });
});
