import type { Proxy, ProxySummary } from '@guise/contract';

import type { ProxyRecord } from './proxy-record.ts';

/** A proxy as lists show it: member by member, so that no credential slips through. */
export function toProxySummary(record: ProxyRecord): ProxySummary {
  const { lastCheck } = record;
  return {
    id: record.id,
    name: record.name,
    protocol: record.protocol,
    host: record.host,
    port: record.port,
    hasPassword: record.passwordSealed !== null,
    hasRotationUrl: record.rotationUrl !== null,
    country: record.country,
    city: record.city,
    timezone: record.timezone,
    locale: record.locale,
    latitude: record.latitude,
    longitude: record.longitude,
    rotationGroup: record.rotationGroup,
    tags: [...record.tags],
    notes: record.notes,
    isActive: record.isActive,
    exit: record.exit,
    lastCheck: lastCheck && { ...lastCheck, checkedAt: lastCheck.checkedAt.toISOString() },
    failedChecksInARow: record.failedChecksInARow,
    lastUsedAt: record.lastUsedAt?.toISOString() ?? null,
    createdAt: record.createdAt.toISOString(),
    updatedAt: record.updatedAt.toISOString(),
  };
}

/** A proxy as the one who asks for it by its id sees it. */
export function toProxy(record: ProxyRecord): Proxy {
  return { ...toProxySummary(record), username: record.username };
}
