import type { CoherenceFault } from '@guise/contract';

import { AppError, invalidField } from '../../lib/app-error.ts';

/** There is no such profile. */
export function noSuchProfile(id: string): AppError {
  return new AppError('PROFILE_NOT_FOUND', `There is no profile ${id}`);
}

/** The profile cannot be had now, because a session wears it. */
export function wornBy(sessionId: string): AppError {
  return new AppError('PROFILE_LOCKED', `Session ${sessionId} wears this profile`, { extensions: { sessionId } });
}

/** The fingerprint contradicts itself in these ways. */
export function incoherent(faults: readonly CoherenceFault[]): AppError {
  const rules = [...new Set(faults.map(({ rule, name }) => `${rule} ${name}`))].join(', ');
  return new AppError('PROFILE_INCOHERENT', `The fingerprint breaks coherence rules: ${rules}`, {
    extensions: { faults: [...faults] },
  });
}

/** The usual proxy of a profile is not there. */
export function noSuchDefaultProxy(): AppError {
  return invalidField('/defaultProxyId', 'is not the id of a proxy');
}

/** Names the mistake when a write failed because what it refers to is not there; all else stays as it is. */
export function nameWriteFailure(error: unknown): unknown {
  const isForeignKey = error instanceof Error && 'code' in error && error.code === '23503';
  return isForeignKey ? noSuchDefaultProxy() : error;
}
