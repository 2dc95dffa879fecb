import { createHmac, timingSafeEqual } from 'node:crypto';

/** What a token allows: to drive the browser of one session, or to look at it. */
type TokenUse = 'drive' | 'view';

/**
 * Tokens for one session and one use.
 *
 * A token is a keyed hash of both (HMAC-SHA-256), so no table of tokens exists and every node with the same key can
 * check them; one is worth nothing once its session has ended.
 */
export class SessionTokens {
  readonly #key: Buffer;

  constructor(key: Buffer) {
    this.#key = key;
  }

  issue(sessionId: string, use: TokenUse): string {
    return createHmac('sha256', this.#key).update(`${use}:${sessionId}`).digest('base64url');
  }

  /** Whether `token` was issued for this session and use; takes the same time for every wrong one. */
  verify(sessionId: string, use: TokenUse, token: string | undefined): boolean {
    const expected = Buffer.from(this.issue(sessionId, use));
    const given = Buffer.from(token ?? '');
    return given.length === expected.length && timingSafeEqual(given, expected);
  }
}
