import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

import { AppError } from '../lib/app-error.ts';

/** Paths that ask for a key; a session's own sockets ask for its token instead. */
const NEEDS_KEY = /^\/(?:api|connect)(?:[/?]|$)/;
const NEEDS_TOKEN = /^\/api\/sessions\/[^/]+\/(?:cdp|live)(?:\?|$)/;

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** The key a request brings: `Authorization: Bearer`, `X-API-Key`, or, where a client can set no headers, `?apiKey=`. */
function keyOf({ headers, url = '/' }: IncomingMessage): string {
  const bearer = /^Bearer (?<key>\S+)$/i.exec(headers.authorization ?? '')?.groups?.['key'];
  const own = headers['x-api-key'];
  return (
    bearer ?? (typeof own === 'string' ? own : (URL.parse(url, 'http://localhost')?.searchParams.get('apiKey') ?? ''))
  );
}

/**
 * Makes the check that lets in who brings one of the keys `name:role:secret`, comma-separated. It takes the same time for every wrong key.
 *
 * The check throws {AppError} UNAUTHORIZED.
 */
export function apiKeyCheck(keys: string): (request: IncomingMessage) => void {
  const known = keys.split(',').map((each) => digest(each.trim().split(':').slice(2).join(':')));
  return (request) => {
    const { url = '/', headers } = request;
    const isUpgrade = headers.upgrade !== undefined;
    if (!NEEDS_KEY.test(url) || (isUpgrade && NEEDS_TOKEN.test(url))) return;
    const given = digest(keyOf(request));
    // All are compared, whichever fits.
    if (known.map((each) => timingSafeEqual(each, given)).includes(true)) return;
    throw new AppError('UNAUTHORIZED', 'Send an API key: Authorization: Bearer KEY');
  };
}
