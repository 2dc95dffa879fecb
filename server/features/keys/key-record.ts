import type { KeyQuotas, KeyRole } from '@guise/contract';

import type { KeyIdentity } from '../../lib/actor.ts';

/** An API key as the database knows it; its secret nobody knows. */
export interface KeyRecord {
  readonly id: string;
  readonly name: string;
  readonly role: KeyRole;
  readonly origin: 'api' | 'environment';
  readonly hint: string;
  /** The key whose things it sees and makes. */
  readonly tenantId: string;
  readonly quotas: KeyQuotas;
  readonly priority: number;
  readonly isValid: boolean;
  readonly createdByKeyId: string | null;
  readonly lastUsedAt: Date | null;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Where it stands in the list: its moment of creation to the microsecond. */
  readonly createdMicros: number;
}

/** What a key is made with. */
export interface NewKey {
  readonly name: string;
  readonly role: KeyRole;
  readonly hash: Buffer;
  readonly hint: string;
  /** null: it is its own. */
  readonly tenantId: string | null;
  readonly quotas: KeyQuotas;
  readonly priority: number;
  readonly createdByKeyId: string | null;
  readonly expiresAt: string | null;
}

/** A row with the columns of `KEY_COLUMNS`. */
export interface KeyRow {
  id: string;
  name: string;
  role: KeyRole;
  origin: 'api' | 'environment';
  key_hint: string;
  tenant_id: string;
  max_sessions: number | null;
  max_creates_per_minute: number | null;
  max_requests_per_minute: number | null;
  max_traffic_bytes_per_month: number | null;
  priority: number;
  is_valid: boolean;
  created_by_key_id: string | null;
  last_used_at: Date | null;
  expires_at: Date | null;
  revoked_at: Date | null;
  created_at: Date;
  updated_at: Date;
  created_micros: number;
}

/** Whether a key can be used now. */
export const IS_VALID = '(revoked_at is null and (expires_at is null or expires_at > now()))';

export const KEY_COLUMNS = `id, name, role, origin, key_hint, coalesce(tenant_key_id, id) as tenant_id,
  max_sessions, max_creates_per_minute, max_requests_per_minute, max_traffic_bytes_per_month, priority,
  ${IS_VALID} as is_valid, created_by_key_id, last_used_at, expires_at, revoked_at, created_at, updated_at,
  (extract(epoch from created_at) * 1000000)::bigint as created_micros`;

/** A row as the record it stands for. */
export function toKeyRecord(row: KeyRow): KeyRecord {
  return {
    id: row.id,
    name: row.name,
    role: row.role,
    origin: row.origin,
    hint: row.key_hint,
    tenantId: row.tenant_id,
    quotas: {
      maxSessions: row.max_sessions,
      maxCreatesPerMinute: row.max_creates_per_minute,
      maxRequestsPerMinute: row.max_requests_per_minute,
      maxTrafficBytesPerMonth: row.max_traffic_bytes_per_month,
    },
    priority: row.priority,
    isValid: row.is_valid,
    createdByKeyId: row.created_by_key_id,
    lastUsedAt: row.last_used_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    createdMicros: row.created_micros,
  };
}

/** Who a key stands for. */
export function toIdentity({ id, name, role, tenantId, priority, quotas }: KeyRecord): KeyIdentity {
  return { keyId: id, name, role, tenantId, priority, quotas };
}
