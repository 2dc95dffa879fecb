import type { CheckFailureReason, ProxyExit, ProxyProtocol } from '@guise/contract';

/** What its owner says of where a proxy comes out; null: as a check finds it. */
export interface DeclaredPlace {
  readonly country: string | null;
  readonly timezone: string | null;
  readonly locale: string | null;
  readonly latitude: number | null;
  readonly longitude: number | null;
}

/** What a proxy is kept with. */
export interface NewProxy extends DeclaredPlace {
  /** Chosen before it is written: its password is sealed for it. */
  readonly id: string;
  readonly name: string;
  readonly protocol: ProxyProtocol;
  readonly host: string;
  readonly port: number;
  readonly username: string | null;
  readonly passwordSealed: Buffer | null;
  readonly city: string | null;
  readonly rotationGroup: string | null;
  readonly rotationUrl: string | null;
  readonly tags: readonly string[];
  readonly notes: string;
  readonly isActive: boolean;
}

/** A proxy as the database knows it. */
export interface ProxyRecord extends NewProxy {
  /** As the last check that succeeded found it. */
  readonly exit: ProxyExit | null;
  readonly lastCheck: CheckRecord | null;
  readonly failedChecksInARow: number;
  readonly lastUsedAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Where it stands in the list: its moment of creation to the microsecond, which a `Date` cannot say. */
  readonly createdMicros: number;
}

/** How a check went; latencies are those of the last one that succeeded. */
interface CheckRecord {
  readonly checkedAt: Date;
  readonly isOk: boolean;
  readonly reason: CheckFailureReason | null;
  readonly connectMs: number | null;
  readonly latencyMs: number | null;
}

/** A row with the columns of `PROXY_COLUMNS`. */
export interface ProxyRow {
  id: string;
  name: string;
  protocol: ProxyProtocol;
  host: string;
  port: number;
  username: string | null;
  password_sealed: Buffer | null;
  country: string | null;
  city: string | null;
  timezone: string | null;
  locale: string | null;
  latitude: number | null;
  longitude: number | null;
  rotation_group: string | null;
  rotation_url: string | null;
  tags: string[];
  notes: string;
  is_active: boolean;
  exit_address: string | null;
  exit_country: string | null;
  exit_timezone: string | null;
  exit_timezone_certain: boolean;
  exit_locale: string | null;
  exit_latitude: number | null;
  exit_longitude: number | null;
  last_checked_at: Date | null;
  last_check_ok: boolean | null;
  last_check_error: CheckFailureReason | null;
  last_connect_ms: number | null;
  last_latency_ms: number | null;
  failed_checks_in_a_row: number;
  last_used_at: Date | null;
  created_at: Date;
  updated_at: Date;
  created_micros: number;
}

export const PROXY_COLUMNS = `id, name, protocol, host, port, username, password_sealed, country, city, timezone, locale, latitude,
  longitude, rotation_group, rotation_url, tags, notes, is_active, host(last_exit_ip) as exit_address, exit_country,
  exit_timezone, exit_timezone_certain, exit_locale, exit_latitude, exit_longitude, last_checked_at, last_check_ok,
  last_check_error, last_connect_ms, last_latency_ms, failed_checks_in_a_row, last_used_at, created_at, updated_at,
  (extract(epoch from created_at) * 1000000)::bigint as created_micros`;

function toExit(row: ProxyRow): ProxyExit | null {
  if (row.exit_address === null) return null;
  return {
    address: row.exit_address,
    country: row.exit_country,
    timezone: row.exit_timezone,
    isTimezoneCertain: row.exit_timezone_certain,
    locale: row.exit_locale,
    latitude: row.exit_latitude,
    longitude: row.exit_longitude,
  };
}

function toCheck(row: ProxyRow): CheckRecord | null {
  if (row.last_checked_at === null) return null;
  return {
    checkedAt: row.last_checked_at,
    isOk: row.last_check_ok ?? false,
    reason: row.last_check_error,
    connectMs: row.last_connect_ms,
    latencyMs: row.last_latency_ms,
  };
}

/** A row as the record it stands for. */
export function toProxyRecord(row: ProxyRow): ProxyRecord {
  return {
    id: row.id,
    name: row.name,
    protocol: row.protocol,
    host: row.host,
    port: row.port,
    username: row.username,
    passwordSealed: row.password_sealed,
    country: row.country,
    city: row.city,
    timezone: row.timezone,
    locale: row.locale,
    latitude: row.latitude,
    longitude: row.longitude,
    rotationGroup: row.rotation_group,
    rotationUrl: row.rotation_url,
    tags: row.tags,
    notes: row.notes,
    isActive: row.is_active,
    exit: toExit(row),
    lastCheck: toCheck(row),
    failedChecksInARow: row.failed_checks_in_a_row,
    lastUsedAt: row.last_used_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    createdMicros: row.created_micros,
  };
}
