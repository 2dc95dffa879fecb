import type { IncomingMessage } from 'node:http';

import { AppError } from '../lib/app-error.ts';

const LOOPBACK_NAMES = ['127.0.0.1', '[::1]', 'localhost'];

/**
 * Keeps web pages away from a service that needs no key because it listens on loopback.
 *
 * A page open in somebody's browser can send requests to loopback too. It gives itself away by its Origin, which must
 * be the service's own, or, when its name was made to point here (DNS rebinding), by the Host it asks for.
 *
 * @throws {AppError} ORIGIN_NOT_ALLOWED
 */
export function refuseForeignOrigin({ headers }: IncomingMessage): void {
  const { host = '', origin } = headers;
  const name = URL.parse(`http://${host}`)?.hostname;
  if (name === undefined || !LOOPBACK_NAMES.includes(name)) {
    throw new AppError('ORIGIN_NOT_ALLOWED', 'The Host header must be a name of this machine, such as localhost');
  }
  if (origin !== undefined && origin !== `http://${host}` && !origin.startsWith('devtools://')) {
    throw new AppError('ORIGIN_NOT_ALLOWED', 'Web pages of other origins may not use this service');
  }
}
