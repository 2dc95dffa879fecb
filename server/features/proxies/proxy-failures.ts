import type { CheckFailureReason } from '@guise/contract';

import { AppError } from '../../lib/app-error.ts';

/** There is no such proxy. */
export function noSuchProxy(id: string): AppError {
  return new AppError('PROXY_NOT_FOUND', `There is no proxy ${id}`);
}

const IN_WORDS: Readonly<Record<CheckFailureReason, string>> = {
  name_not_resolved: 'the name of the echo server has no address',
  unreachable: 'the echo server does not answer',
  proxy_unreachable: 'the proxy does not answer',
  proxy_auth: 'the proxy does not take the credentials, or wants some',
  proxy_refused: 'the proxy does not make the connection',
  not_allowed: 'the rules of this node do not allow the connection',
  timed_out: 'it took too long',
  echo_failed: 'the echo server did not answer with an address',
  place_unknown: 'no country is known for its address',
};

/** A check of an exit that failed, with what is known of why. */
export class CheckFailure extends Error {
  override readonly name = 'CheckFailure';
  readonly reason: CheckFailureReason;

  constructor(reason: CheckFailureReason, options?: ErrorOptions) {
    super(IN_WORDS[reason], options);
    this.reason = reason;
  }
}

/** A failed check as a client sees it. `subject` names what was checked, without credentials. */
export function checkFailed(subject: string, failure: CheckFailure): AppError {
  const { message, reason, cause } = failure;
  return new AppError('PROXY_CHECK_FAILED', `The exit of ${subject} could not be found: ${message}`, {
    cause,
    extensions: { reason },
  });
}

/** The sealed password of a proxy cannot be opened: it was sealed with a key this service no longer has. */
export function passwordUnreadable(cause: unknown): AppError {
  return new AppError('PROXY_PASSWORD_UNREADABLE', 'The password was saved with another key; set it again', { cause });
}
