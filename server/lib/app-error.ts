import type { ProblemCode, ProblemExtensions } from '@guise/contract';

type Details = Readonly<Record<string, unknown>>;

interface AppErrorOptions {
  readonly cause?: unknown;
  /** For the log only. */
  readonly details?: Details;
  /** Members of the problem document beside its text; the client sees them. */
  readonly extensions?: ProblemExtensions;
}

/**
 * A failure we expected and named.
 *
 * `message` and `extensions` are written for the API client; `details` and `cause` go to the log only. Anything thrown
 * that is not an `AppError` is a bug and reaches the client as `INTERNAL` with no text of its own.
 */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ProblemCode;
  readonly details: Details;
  readonly extensions: ProblemExtensions;

  constructor(code: ProblemCode, message: string, options: AppErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
    this.extensions = options.extensions ?? {};
  }
}

/** Whether something that is needed (a database, another node) could not be reached, which may be over soon. */
export function isUnavailable(error: unknown): error is AppError {
  return error instanceof AppError && error.code === 'DEPENDENCY_UNAVAILABLE';
}

/** The refusal of a request one of whose fields is wrong in a way no schema can say. `path` is a JSON Pointer. */
export function invalidField(path: string, message: string): AppError {
  return new AppError('VALIDATION_FAILED', `${path}: ${message}`, { extensions: { errors: [{ path, message }] } });
}
