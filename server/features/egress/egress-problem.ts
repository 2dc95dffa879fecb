import type { EgressFailureReason, RefusalReason } from '@guise/contract';

import type { Destination } from './egress-rules.ts';

/** A connection that may not be made. */
export class ConnectionRefused extends Error {
  override readonly name = 'ConnectionRefused';
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, why: string) {
    super(why);
    this.reason = reason;
  }
}

function codeOf(cause: unknown): string | undefined {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
}

/** A connection that may be made and did not come about. */
export class ConnectionFailed extends Error {
  override readonly name = 'ConnectionFailed';
  readonly reason: EgressFailureReason;
  /** What the system calls it, such as ECONNREFUSED. */
  readonly code: string | undefined;

  constructor(reason: EgressFailureReason, why: string, options?: ErrorOptions) {
    super(why, options);
    this.reason = reason;
    this.code = codeOf(options?.cause);
  }
}

/** What there is to tell a listener about either. */
export function describeProblem<Reason>(
  { host, port }: Destination,
  problem: { readonly reason: Reason; readonly message: string; readonly code?: string | undefined },
): Destination & { readonly reason: Reason; readonly why: string; readonly code?: string } {
  const { reason, message, code } = problem;
  return { host, port, reason, why: message, ...(code !== undefined && { code }) };
}
