import { type Problem, type ProblemCode, type ProblemExtensions, PROBLEMS, problemType } from '@guise/contract';

/** Makes the RFC 9457 document of one failure. Pure. */
export function toProblemDocument(
  failure: { readonly code: ProblemCode; readonly detail: string; readonly extensions?: ProblemExtensions | undefined },
  request: { readonly path: string; readonly id: string },
): Problem {
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
