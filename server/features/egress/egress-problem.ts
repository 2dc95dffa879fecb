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

/** A connection that may be made and did not come about. */
export class ConnectionFailed extends Error {
  override readonly name = 'ConnectionFailed';
  readonly reason: EgressFailureReason;

  constructor(reason: EgressFailureReason, why: string, options?: ErrorOptions) {
    super(why, options);
    this.reason = reason;
  }
}

/** What there is to tell a listener about either. */
export function describeProblem<Reason>(
  { host, port }: Destination,
  problem: { readonly reason: Reason; readonly message: string },
): Destination & { readonly reason: Reason; readonly why: string } {
  return { host, port, reason: problem.reason, why: problem.message };
}
