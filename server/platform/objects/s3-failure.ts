import { AppError } from '../../lib/app-error.ts';
import { toError } from '../../lib/deadline.ts';
import { ObjectStoreError } from './object-store.ts';

/** Where requests go, as an operator may read it: no key is part of it. */
export interface S3Place {
  readonly host: string;
  readonly bucket: string;
}

/** What an answer of the store, or the lack of one, is known by. */
interface Failure {
  /** The store's own code (`NoSuchKey`), the system's (`ECONNREFUSED`), or the name of what was thrown. */
  readonly code: string;
  /** Undefined where there was no answer. */
  readonly status: number | undefined;
}

const REFUSALS = new Set(['InvalidAccessKeyId', 'SignatureDoesNotMatch', 'AccessDenied', 'Forbidden']);

/** A code is shown and logged, and comes from the far side: nothing but a word is let through. */
function toWord(text: unknown): string | undefined {
  return typeof text === 'string' && /^\w{1,64}$/.test(text) ? text : undefined;
}

/** Reads what the SDK threw. */
export function readFailure(error: unknown): Failure {
  const { name, code, $metadata } = toError(error) as Error & {
    code?: unknown;
    $metadata?: { httpStatusCode?: unknown };
  };
  const status = typeof $metadata?.httpStatusCode === 'number' ? $metadata.httpStatusCode : undefined;
  return { code: (status === undefined ? toWord(code) : undefined) ?? toWord(name) ?? 'unknown', status };
}

function describe({ code, status }: Failure, { host, bucket }: S3Place): string {
  if (status === undefined) return `The object store ${host} cannot be reached (${code})`;
  if (code === 'NoSuchBucket') return `The object store ${host} has no bucket ${bucket}`;
  if (REFUSALS.has(code) || status === 403)
    return `The object store ${host} refuses the key for bucket ${bucket} (${code})`;
  return `The object store ${host} answered ${status} (${code})`;
}

/**
 * What is thrown in place of what the SDK threw, whose members may hold the key and the text that was signed: so it is no cause.
 * An abort by `signal` is thrown as what it was aborted with.
 */
export function toStoreError(error: unknown, place: S3Place, signal?: AbortSignal): Error {
  if (signal?.aborted === true) return toError(signal.reason);
  if (error instanceof ObjectStoreError) return error;
  const failure = readFailure(error);
  return new ObjectStoreError(describe(failure, place), failure.code);
}

/** The same for those who asked for an object: the client hears that something is away, the log hears what. */
export function toUnavailable(error: unknown, place: S3Place, signal?: AbortSignal): Error {
  const failure = toStoreError(error, place, signal);
  if (!(failure instanceof ObjectStoreError)) return failure;
  return new AppError('DEPENDENCY_UNAVAILABLE', 'The object store cannot be used', { cause: failure });
}
