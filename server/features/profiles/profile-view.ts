import type { Profile, ProfileState, Validation } from '@guise/contract';

import type { ProfileRecord, StateRecord } from './profile-record.ts';
import type { Verdict } from './profile-service.ts';

/** A version of a saved state as clients see it. */
export function toProfileState({
  version,
  savedAt,
  sizeBytes,
  chromiumVersion,
  savedBySessionId,
}: StateRecord): ProfileState {
  return { version, savedAt: savedAt.toISOString(), sizeBytes, chromiumVersion, savedBySessionId };
}

/** A profile as clients see it. */
export function toProfile(record: ProfileRecord): Profile {
  const { id, name, notes, folder, fingerprint, defaultProxyId, lockedBy, useCount, state } = record;
  return {
    id,
    name,
    notes,
    folder,
    tags: [...record.tags],
    fingerprint,
    defaultProxyId,
    state: state && toProfileState(state),
    lockedBy,
    useCount,
    lastUsedAt: record.lastUsedAt?.toISOString() ?? null,
    createdAt: record.createdAt.toISOString(),
    updatedAt: record.updatedAt.toISOString(),
  };
}

/** What the coherence rules say, as clients see it. */
export function toValidation({ faults, repaired }: Verdict): Validation {
  return { isCoherent: faults.length === 0, faults, repaired: repaired ?? null };
}
