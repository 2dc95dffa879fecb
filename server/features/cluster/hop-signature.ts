import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/** Clocks of nodes may differ by this much, and a request may take as long on its way. Milliseconds. */
const VALID_MS = 30_000;
/** Begins the names of the headers that only nodes may send. */
const PREFIX = 'x-guise-hop-';

/** What a node says of a request that it passes on. */
export interface Hop {
  /** The node that passes it on. */
  readonly from: string;
  /** The id the session to be created has its place under. */
  readonly sessionId?: string | undefined;
}

/** The request that is passed on. */
interface HopRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  /** Where it is known before the request is sent; a body that is passed on as it comes is not signed. */
  readonly body?: string | undefined;
}

/**
 * Signs what nodes send each other, with a key that belongs to the installation (HMAC-SHA-256 over method, path, time, what is said and,
 * of calls, the body).
 *
 * A request with a valid signature has come from a node, and goes no further. That its client may do what it asks for is not said: the
 * client's own credentials go with it.
 */
export class HopSignature {
  readonly #key: Buffer;
  readonly #now: () => number;

  /** `now` gives the time of day, in milliseconds. */
  constructor(key: Buffer, now: () => number = Date.now) {
    this.#key = key;
    this.#now = now;
  }

  /** The headers that go with a request. */
  sign(request: HopRequest, { from: name, sessionId = '' }: Hop): Record<string, string> {
    const time = String(this.#now());
    // A name may have characters that a header may not.
    const from = encodeURIComponent(name);
    const body = request.body === undefined ? '' : digestOf(request.body);
    return {
      [`${PREFIX}from`]: from,
      [`${PREFIX}time`]: time,
      [`${PREFIX}session`]: sessionId,
      [`${PREFIX}body`]: body,
      [`${PREFIX}signature`]: this.#compute(request, [time, from, sessionId, body]),
    };
  }

  /** What a node has said of a request; undefined for one that comes from a client. */
  verify({ method = '', url: path = '', headers }: IncomingMessage): Hop | undefined {
    const valueOf = (name: string): string => String(headers[`${PREFIX}${name}`] ?? '');
    const [from, time, sessionId, body] = [valueOf('from'), valueOf('time'), valueOf('session'), valueOf('body')];
    if (from === '' || !(Math.abs(this.#now() - Number(time)) <= VALID_MS)) return undefined;
    const expected = Buffer.from(this.#compute({ method, path }, [time, from, sessionId, body]));
    const given = Buffer.from(valueOf('signature'));
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
    return { from: decodeURIComponent(from), sessionId: sessionId === '' ? undefined : sessionId };
  }

  /** Whether a request that `verify` knows has the body with which it was signed. */
  covers({ headers }: IncomingMessage, body: string): boolean {
    return headers[`${PREFIX}body`] === digestOf(body);
  }

  #compute({ method, path }: HopRequest, parts: readonly string[]): string {
    return createHmac('sha256', this.#key)
      .update([method, path, ...parts].join('\n'))
      .digest('base64url');
  }
}

function digestOf(body: string): string {
  return createHash('sha256').update(body).digest('base64url');
}

/** Headers without those only nodes may send. */
export function withoutHop(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith(PREFIX)));
}
