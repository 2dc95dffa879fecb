import { type Static, Type } from 'typebox';

import { CoherenceFault } from './fingerprint.ts';

/**
 * Every failure a client can see, in one table.
 *
 * The key is the stable `code`: clients branch on it, so renaming one is a breaking change.
 * `retryable` means "the same request may succeed later without being edited".
 */
export const PROBLEMS = {
  VALIDATION_FAILED: { status: 400, title: 'The request is not valid', retryable: false },
  MALFORMED_JSON: { status: 400, title: 'The body is not valid JSON', retryable: false },
  OPTION_NOT_AVAILABLE: { status: 400, title: 'This option is not available in this version', retryable: false },
  UNAUTHORIZED: { status: 401, title: 'A valid token is needed', retryable: false },
  ORIGIN_NOT_ALLOWED: { status: 403, title: 'Requests from this origin are not allowed', retryable: false },
  ROUTE_NOT_FOUND: { status: 404, title: 'No such endpoint', retryable: false },
  SESSION_NOT_FOUND: { status: 404, title: 'No such session', retryable: false },
  PROFILE_NOT_FOUND: { status: 404, title: 'No such profile', retryable: false },
  PROXY_NOT_FOUND: { status: 404, title: 'No such proxy', retryable: false },
  PROFILE_STATE_NOT_FOUND: { status: 404, title: 'The profile has no such saved state', retryable: false },
  TARGET_NOT_FOUND: { status: 404, title: 'No such target in this browser', retryable: false },
  SESSION_NOT_READY: { status: 409, title: 'The session is not in a state that allows this', retryable: true },
  PROFILE_LOCKED: { status: 409, title: 'A session wears this profile', retryable: true },
  SESSION_ENDED: { status: 410, title: 'The session has ended', retryable: false },
  PAYLOAD_TOO_LARGE: { status: 413, title: 'The body is too large', retryable: false },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, title: 'The body must be JSON', retryable: false },
  PROFILE_INCOHERENT: { status: 422, title: 'The fingerprint contradicts itself', retryable: false },
  PROFILE_FILE_INVALID: { status: 422, title: 'The file is no profile, or a damaged one', retryable: false },
  PROFILE_STATE_UNREADABLE: { status: 422, title: 'The saved state cannot be read', retryable: false },
  PROXY_PASSWORD_UNREADABLE: { status: 422, title: 'The password of the proxy cannot be read', retryable: false },
  SCRIPT_FAILED: { status: 422, title: 'The script threw in the page', retryable: false },
  RESULT_NOT_SERIALIZABLE: { status: 422, title: 'The result cannot be sent as JSON', retryable: false },
  NAVIGATION_FAILED: { status: 422, title: 'The page could not be loaded', retryable: true },
  EGRESS_REFUSED: { status: 422, title: 'The session may not connect to this address', retryable: false },
  ELEMENT_NOT_FOUND: { status: 422, title: 'No element matches the selector', retryable: true },
  PAGE_OPERATION_FAILED: { status: 422, title: 'The browser refused the operation', retryable: false },
  UPGRADE_REQUIRED: { status: 426, title: 'This endpoint speaks WebSocket only', retryable: false },
  TOO_MANY_REQUESTS: { status: 429, title: 'Too many requests at once', retryable: true },
  CAPACITY_EXHAUSTED: { status: 429, title: 'This node has no room for another session', retryable: true },
  REQUEST_CANCELLED: { status: 499, title: 'The request was cancelled by its client', retryable: true },
  INTERNAL: { status: 500, title: 'Internal error', retryable: false },
  NOT_AVAILABLE: { status: 501, title: 'Not available in this version', retryable: false },
  PROXY_FAILED: { status: 502, title: 'The upstream proxy does not do its work', retryable: true },
  PROXY_CHECK_FAILED: { status: 502, title: 'The exit of the proxy could not be found', retryable: true },
  NODE_UNAVAILABLE: { status: 502, title: 'No node of the service answers', retryable: true },
  BROWSER_LAUNCH_FAILED: { status: 502, title: 'The browser did not start', retryable: true },
  SHUTTING_DOWN: { status: 503, title: 'This node is shutting down', retryable: true },
  DEPENDENCY_UNAVAILABLE: { status: 503, title: 'A service this node needs does not answer', retryable: true },
  OPERATION_TIMED_OUT: { status: 504, title: 'The operation took too long and was stopped', retryable: true },
} as const satisfies Record<string, { status: number; title: string; retryable: boolean }>;

/** The stable name of a failure; see `PROBLEMS`. */
export type ProblemCode = keyof typeof PROBLEMS;

/** One invalid part of a request: a JSON Pointer (`/viewport/width`) and what is wrong with it. */
const FieldProblem = Type.Object({ path: Type.String(), message: Type.String() });

/** What a page threw: its name, message and JavaScript stack, as the page made them. */
const PageError = Type.Object({ name: Type.String(), message: Type.String(), stack: Type.String() });

/** Members a problem may have beside those of RFC 9457, by the kind of failure. */
export const ProblemExtensions = Type.Object({
  errors: Type.Optional(Type.Array(FieldProblem, { description: 'Validation: every field that is wrong.' })),
  faults: Type.Optional(Type.Array(CoherenceFault, { description: 'Incoherent fingerprint: every rule it breaks.' })),
  pageError: Type.Optional(PageError),
  reason: Type.Optional(Type.String({ description: 'Refused or failed connection: why, in one word.' })),
  netError: Type.Optional(
    Type.String({ description: "Navigation: Chromium's network error code, such as ERR_NAME_NOT_RESOLVED." }),
  ),
  closeReason: Type.Optional(Type.String({ description: 'Ended session: why it ended.' })),
  state: Type.Optional(Type.String({ description: 'Session not ready: the state it is in.' })),
  resultType: Type.Optional(Type.String({ description: 'Unserialisable result: its JavaScript type.' })),
  sessionId: Type.Optional(Type.String({ description: 'Locked profile: the session that wears it.' })),
  retryAfterSeconds: Type.Optional(Type.Integer({ description: 'The same as the Retry-After header.' })),
});
export type ProblemExtensions = Static<typeof ProblemExtensions>;

/** RFC 9457 problem details, `application/problem+json`. */
export const Problem = Type.Object(
  {
    type: Type.String({ description: 'URI reference that identifies the kind of problem.' }),
    title: Type.String(),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    detail: Type.String(),
    instance: Type.String({ description: 'Path of the request that failed.' }),
    code: Type.String({ description: 'Stable name of the problem; branch on this.' }),
    retryable: Type.Boolean({ description: 'Whether the same request may succeed later as it is.' }),
    requestId: Type.String(),
    ...ProblemExtensions.properties,
  },
  { description: 'RFC 9457 problem details' },
);
export type Problem = Static<typeof Problem>;

/** Value of a problem's `type` member: where the service describes it. */
export function problemType(code: ProblemCode): string {
  return `/problems/${code.toLowerCase().replaceAll('_', '-')}`;
}

/** A kind of problem, as `GET /problems/:name` describes it. */
export const ProblemKind = Type.Object({
  code: Type.String(),
  status: Type.Integer(),
  title: Type.String(),
  retryable: Type.Boolean(),
});
