import type { CloseReason, Metadata, RecycleMode, SessionIdentity, SessionState, StealthLevel } from '@guise/contract';

import { PLAIN_EGRESS, type StoredEgress } from './egress-options.ts';

/** A session as the database knows it. */
export interface SessionRecord {
  readonly id: string;
  readonly nodeId: string;
  /** The key of the tenant it belongs to; null: nobody's. */
  readonly ownerKeyId: string | null;
  /** The saved profile it wears; null also once that profile is deleted. */
  readonly profileId: string | null;
  readonly persist: PersistMode;
  /** Whether what another node needs to go on with it is kept. */
  readonly checkpoint: boolean;
  readonly state: SessionState;
  readonly closeReason: CloseReason | null;
  readonly headless: boolean;
  readonly stealthLevel: StealthLevel;
  readonly identity: SessionIdentity | null;
  readonly egress: StoredEgress;
  readonly metadata: Metadata;
  readonly cdpPort: number | null;
  readonly timeoutMs: number;
  readonly maxLifetimeMs: number | null;
  readonly maxRequests: number | null;
  readonly memoryLimitBytes: number | null;
  readonly recycle: RecycleMode;
  readonly requestCount: number;
  readonly error: string | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly lastActivityAt: Date;
  readonly closedAt: Date | null;
}

/** What is saved of a session's profile at the end: nothing, its state, or that with the browser's cache. */
export type PersistMode = 'nothing' | 'state' | 'stateAndCache';

/** What a session is created with. */
export interface NewSession {
  readonly id: string;
  /** The key of the tenant it belongs to. */
  readonly ownerKeyId: string | null;
  readonly profileId: string | null;
  /** The stored proxy it leaves through. */
  readonly proxyId: string | null;
  readonly headless: boolean;
  readonly stealthLevel: StealthLevel;
  /** The options of the create request, without anything secret. */
  readonly options: object;
  readonly metadata: Metadata;
  readonly timeoutMs: number;
  readonly maxLifetimeMs: number | null;
  readonly maxRequests: number | null;
  readonly memoryLimitBytes: number | null;
  readonly recycle: RecycleMode;
}

/** A row of `sessions`, with the columns of `SESSION_COLUMNS`. */
export interface SessionRow {
  id: string;
  node_id: string;
  owner_key_id: string | null;
  profile_id: string | null;
  persist: boolean | null;
  checkpoint: boolean | null;
  persist_cache: boolean | null;
  state: SessionState;
  close_reason: CloseReason | null;
  headless: boolean;
  stealth_level: StealthLevel;
  identity: SessionIdentity | Record<string, never>;
  egress: StoredEgress | null;
  metadata: Metadata;
  cdp_port: number | null;
  timeout_ms: number;
  max_lifetime_ms: number | null;
  max_requests: number | null;
  memory_limit_bytes: number | null;
  recycle: RecycleMode;
  request_count: number;
  error: string | null;
  created_at: Date;
  started_at: Date | null;
  last_activity_at: Date;
  closed_at: Date | null;
}

export const SESSION_COLUMNS = `sessions.id, sessions.node_id, sessions.owner_key_id, sessions.profile_id,
  (sessions.options -> 'persist')::boolean as persist, (sessions.options -> 'persistCache')::boolean as persist_cache,
  (sessions.options -> 'checkpoint')::boolean as checkpoint, sessions.options -> 'egress' as egress,
  sessions.state, sessions.close_reason, sessions.headless,
  sessions.stealth_level, sessions.identity, sessions.metadata, sessions.cdp_port, sessions.timeout_ms,
  sessions.max_lifetime_ms, sessions.max_requests, sessions.memory_limit_bytes, sessions.recycle,
  sessions.request_count, sessions.error, sessions.created_at, sessions.started_at, sessions.last_activity_at,
  sessions.closed_at`;

/** What two options of a create request ask for together. */
function toPersistMode({
  persist,
  persistCache,
}: {
  persist: boolean | null;
  persistCache: boolean | null;
}): PersistMode {
  if (persist !== true) return 'nothing';
  return persistCache === true ? 'stateAndCache' : 'state';
}

/** A row as the record it stands for. */
export function toRecord(row: SessionRow): SessionRecord {
  return {
    id: row.id,
    nodeId: row.node_id,
    ownerKeyId: row.owner_key_id,
    profileId: row.profile_id,
    persist: toPersistMode({ persist: row.persist, persistCache: row.persist_cache }),
    checkpoint: row.checkpoint === true,
    state: row.state,
    closeReason: row.close_reason,
    headless: row.headless,
    stealthLevel: row.stealth_level,
    egress: row.egress ?? PLAIN_EGRESS,
    identity: 'userAgent' in row.identity ? (row.identity as SessionIdentity) : null,
    metadata: row.metadata,
    cdpPort: row.cdp_port,
    timeoutMs: row.timeout_ms,
    maxLifetimeMs: row.max_lifetime_ms,
    maxRequests: row.max_requests,
    memoryLimitBytes: row.memory_limit_bytes,
    recycle: row.recycle,
    requestCount: row.request_count,
    error: row.error,
    createdAt: row.created_at,
    startedAt: row.started_at,
    lastActivityAt: row.last_activity_at,
    closedAt: row.closed_at,
  };
}

/** When a session ends by itself if nobody uses it after `lastActivityAt`. */
export function expiresAt(record: SessionRecord, lastActivityAt: Date = record.lastActivityAt): Date {
  const idleEnd = lastActivityAt.getTime() + record.timeoutMs;
  const lifeEnd = record.maxLifetimeMs === null ? Infinity : record.createdAt.getTime() + record.maxLifetimeMs;
  return new Date(Math.min(idleEnd, lifeEnd));
}
