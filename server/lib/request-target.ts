import type { IncomingMessage } from 'node:http';

import { AppError } from './app-error.ts';

/** A path: what begins with two slashes, or with a backslash for the second, is read as a host where it is resolved against an address. */
const PATH = /^\/(?![/\\])/;

/**
 * Refuses a request whose target is no path of this service. Proxies may be asked for `http://host/path`; this is none, and must not
 * send anything where a client says.
 *
 * @throws {AppError} VALIDATION_FAILED
 */
export function checkTarget({ url: target = '' }: Pick<IncomingMessage, 'url'>): void {
  if (!PATH.test(target)) throw new AppError('VALIDATION_FAILED', 'The target of a request must begin with a single /');
}
