import type {
  ApiKey,
  ApiKeyDetails,
  ApiKeyList,
  CreateApiKey,
  CreatedApiKey,
  ListApiKeysQuery,
  UpdateApiKey,
} from '@guise/contract';

import { type Actor, NO_QUOTAS } from '../../lib/actor.ts';
import { AppError, invalidField } from '../../lib/app-error.ts';
import { toCursor, toPosition } from '../../lib/list-cursor.ts';
import { nameWriteFailure, noSuchKey } from './key-failures.ts';
import type { KeyRecord } from './key-record.ts';
import type { KeyRepository } from './key-repository.ts';
import { hashSecret, hintOf, newSecret } from './key-secret.ts';

const DEFAULT_PAGE_SIZE = 50;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

interface KeyChoice {
  readonly keyId: string;
}

/** What a client can ask of keys. All reject with {AppError}, KEY_NOT_FOUND for what is no id. */
export interface KeyCommands {
  list(query: ListApiKeysQuery): Promise<ApiKeyList>;
  /** @throws {AppError} KEY_NAME_TAKEN; VALIDATION_FAILED for a `forKeyId` that is none */
  create(input: CreateApiKey, actor: Actor): Promise<CreatedApiKey>;
  get(wish: KeyChoice): Promise<ApiKeyDetails>;
  /** @throws {AppError} KEY_NAME_TAKEN; VALIDATION_FAILED for another name of a key of the environment */
  update(wish: UpdateApiKey & KeyChoice): Promise<ApiKey>;
  /** Revoking twice changes nothing. */
  revoke(wish: KeyChoice): Promise<void>;
}

interface CommandDeps {
  readonly keys: KeyRepository;
  /** Called when keys were changed here, so that the change is in force at once. */
  readonly onChanged: () => void;
}

function toKeyId({ keyId }: KeyChoice): string {
  if (UUID.test(keyId)) return keyId.toLowerCase();
  throw new AppError('KEY_NOT_FOUND', 'There is no such API key: that is not the id of one');
}

function toApiKey(record: KeyRecord): ApiKey {
  const { id, name, role, origin, hint, tenantId, quotas, priority, isValid, createdByKeyId } = record;
  return {
    id,
    name,
    role,
    origin,
    hint,
    tenantId,
    quotas,
    priority,
    isValid,
    createdByKeyId,
    lastUsedAt: record.lastUsedAt?.toISOString() ?? null,
    expiresAt: record.expiresAt?.toISOString() ?? null,
    revokedAt: record.revokedAt?.toISOString() ?? null,
    createdAt: record.createdAt.toISOString(),
    updatedAt: record.updatedAt.toISOString(),
  };
}

/** The tenant of a key that is made for another: that one's, however many were made for each other. */
async function findTenant(keys: KeyRepository, forKeyId: string | undefined): Promise<string | null> {
  if (forKeyId === undefined) return null;
  const other = await keys.find(forKeyId);
  if (other === undefined) throw invalidField('/forKeyId', 'is not the id of a key');
  return other.tenantId;
}

/** See `KeyCommands`. */
export function keyCommands({ keys, onChanged }: CommandDeps): KeyCommands {
  const get = async (id: string): Promise<KeyRecord> => {
    const record = await keys.find(id);
    if (record === undefined) throw noSuchKey(id);
    return record;
  };
  return {
    async list({ limit = DEFAULT_PAGE_SIZE, cursor, ...filter }) {
      const records = await keys.list({ ...filter, after: toPosition(cursor), limit: limit + 1 });
      const page = records.slice(0, limit);
      const last = page.at(-1);
      const nextCursor = records.length > limit && last !== undefined ? toCursor(last) : null;
      return { keys: page.map(toApiKey), nextCursor };
    },
    async create({ name, role, expiresAt = null, quotas, priority = 0, forKeyId }, actor) {
      const secret = newSecret();
      const key = {
        name,
        role,
        expiresAt,
        priority,
        quotas: { ...NO_QUOTAS, ...quotas },
        hash: hashSecret(secret),
        hint: hintOf(secret),
        tenantId: await findTenant(keys, forKeyId),
        createdByKeyId: actor.keyId,
      };
      try {
        return { ...toApiKey(await keys.insert(key)), secret };
      } catch (error) {
        throw nameWriteFailure(error);
      }
    },
    async get(wish) {
      const record = await get(toKeyId(wish));
      return { ...toApiKey(record), usage: await keys.findUsage(record.tenantId) };
    },
    async update({ keyId, ...changes }) {
      const id = toKeyId({ keyId });
      const { origin, name } = await get(id);
      if (origin === 'environment' && changes.name !== undefined && changes.name !== name) {
        throw invalidField('/name', 'is what the setting API_KEYS says');
      }
      try {
        const record = await keys.update(id, changes);
        if (record === undefined) throw noSuchKey(id);
        onChanged();
        return toApiKey(record);
      } catch (error) {
        throw nameWriteFailure(error);
      }
    },
    async revoke(wish) {
      const id = toKeyId(wish);
      if ((await keys.revoke(id)) === undefined) throw noSuchKey(id);
      onChanged();
    },
  };
}
