/** Request headers that belong to the identity. Lower case. */
const IDENTITY_HEADER = /^(?:user-agent|accept-language|sec-ch-.+|device-memory|dpr|viewport-width|width)$/;

/** Whether a request header belongs to the identity, so that a client has no say in it. */
function isIdentityHeader(name: string): boolean {
  return IDENTITY_HEADER.test(name.toLowerCase());
}

/** The headers, as `Network.setExtraHTTPHeaders` has them, that do not belong to the identity. */
export function withoutIdentityHeaders(headers: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !isIdentityHeader(name)));
}

/** A header as the Fetch domain has it in commands. */
interface HeaderEntry {
  readonly name: string;
  readonly value: string;
}

function isEntry(value: unknown): value is HeaderEntry {
  const { name, value: content } = (value ?? {}) as Readonly<Record<string, unknown>>;
  return typeof name === 'string' && typeof content === 'string';
}

/** Most requests whose headers are remembered; the oldest are forgotten. */
const MOST_PAUSED = 500;

/**
 * The headers of the identity that requests had when they were paused for the client, which may send them on with headers of its
 * own: those of the identity stay.
 */
export class PausedRequests {
  readonly #headers = new Map<string, readonly HeaderEntry[]>();

  /** Takes note of a request that is paused. */
  note(requestId: unknown, request: unknown): void {
    const { headers } = (request ?? {}) as { readonly headers?: Readonly<Record<string, unknown>> };
    if (typeof requestId !== 'string' || typeof headers !== 'object') return;
    const own = Object.entries(headers)
      .filter(([name]) => isIdentityHeader(name))
      .map(([name, value]) => ({ name, value: String(value) }));
    this.#headers.set(requestId, own);
    const [oldest] = this.#headers.keys();
    if (this.#headers.size > MOST_PAUSED && oldest !== undefined) this.#headers.delete(oldest);
  }

  /** The headers a request goes on with in place of `given`; undefined when these are fine. */
  mend(requestId: unknown, given: unknown): readonly HeaderEntry[] | undefined {
    const own = this.#headers.get(String(requestId));
    this.#headers.delete(String(requestId));
    if (own === undefined || !Array.isArray(given) || !given.every(isEntry)) return undefined;
    const key = ({ name, value }: HeaderEntry): string => `${name.toLowerCase()}: ${value}`;
    const claimed = given.filter(({ name }) => isIdentityHeader(name));
    const genuine = new Set(own.map(key));
    if (claimed.every((entry) => genuine.has(key(entry)))) return undefined;
    return [...given.filter(({ name }) => !isIdentityHeader(name)), ...own];
  }
}
