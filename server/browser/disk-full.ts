import { AppError } from '../lib/app-error.ts';

/** What a failure to write is to the client where the disk is full: this node may have room later, another one now. Undefined for any other failure. */
export function toDiskFull(error: unknown): AppError | undefined {
  const isFull = error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
  if (!isFull) return undefined;
  return new AppError('BROWSER_LAUNCH_FAILED', 'The browser did not start: the disk of this node is full', {
    cause: error,
  });
}
