import { type Problem, type ProblemCode, type ProblemExtensions, PROBLEMS, problemType } from '@guise/contract';

import { AppError } from './app-error.ts';

/** A failure as a client is told of it. */
export interface Failure {
  readonly code: ProblemCode;
  readonly detail: string;
  readonly extensions?: ProblemExtensions | undefined;
}

/** What a client is told of a failure: all of one we named, and nothing of a bug. */
export function toFailure(error: unknown): Failure {
  if (error instanceof AppError) return { code: error.code, detail: error.message, extensions: error.extensions };
  return { code: 'INTERNAL', detail: 'Something went wrong on our side. Quote the request id when reporting it.' };
}

/** Makes the RFC 9457 document of one failure. Pure. */
export function toProblemDocument(failure: Failure, request: { readonly path: string; readonly id: string }): Problem {
  const { code, detail, extensions = {} } = failure;
  return {
    type: problemType(code),
    ...PROBLEMS[code],
    detail,
    // Without its query: that is where tokens are.
    instance: request.path.split('?', 1)[0] ?? '/',
    code,
    requestId: request.id,
    ...extensions,
  };
}
