import { AppError } from '../../lib/app-error.ts';

/** There is no such key. */
export function noSuchKey(id: string): AppError {
  return new AppError('KEY_NOT_FOUND', `There is no API key ${id}`);
}

/** Names the mistake when a write failed because the name is in use; all else stays as it is. */
export function nameWriteFailure(error: unknown): unknown {
  const isTaken = error instanceof Error && 'constraint' in error && error.constraint === 'api_keys_unrevoked_by_name';
  return isTaken ? new AppError('KEY_NAME_TAKEN', 'Another key that is not revoked has this name') : error;
}
