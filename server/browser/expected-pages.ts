import type { Protocol } from 'devtools-protocol';

import type { CdpSession } from './cdp-connection.ts';
import { mendHeaders } from './first-request.ts';
import type { HaltedRequests } from './halted-requests.ts';

type ClientHints = Protocol.Emulation.UserAgentMetadata;

/** How long after it was expected a page may ask for its first document. Milliseconds. */
const PATIENCE_MS = 2_000;
const HINT = /^sec-ch-ua$/i;

const NAME = 'expected pages';
const DOCUMENTS = [{ urlPattern: 'http*', resourceType: 'Document' as const }];

/**
 * Gives first requests of pages that open with an address the right client hints.
 *
 * The browser sends such a request on its way before it tells of the page, so that nothing set on the page can reach it. Only the
 * browser's own session can halt it. That makes every document wait for us, so it is on only while such a page is
 * expected: from `expect` until it has asked for its document, or has not in two seconds.
 *
 * Safe to call at once, for several pages; each is waited for by itself.
 */
export class ExpectedPages {
  readonly #browser: Pick<CdpSession, 'send'>;
  readonly #halted: HaltedRequests;
  readonly #hints: ClientHints | undefined;
  /** Timers that give up on the pages that are expected, oldest first. */
  readonly #expected: NodeJS.Timeout[] = [];

  /** Without hints there is nothing to mend. */
  constructor(
    browser: Pick<CdpSession, 'send'>,
    parts: { readonly halted: HaltedRequests; readonly hints: ClientHints | undefined },
  ) {
    this.#browser = browser;
    this.#halted = parts.halted;
    this.#hints = parts.hints;
  }

  /** Expects one more page. Resolves, never rejects, when its request cannot get past us any more. */
  async expect(): Promise<void> {
    const hints = this.#hints;
    if (hints === undefined) return;
    const timer = setTimeout(() => this.#settle(timer), PATIENCE_MS).unref();
    this.#expected.push(timer);
    const take = (event: Protocol.Fetch.RequestPausedEvent): boolean => this.#take(event, hints);
    // Said again for each, so that whoever comes second waits for the browser's word too.
    await this.#halted.set(NAME, { patterns: DOCUMENTS, take }).catch(() => undefined);
  }

  #take({ requestId, request, resourceType }: Protocol.Fetch.RequestPausedEvent, hints: ClientHints): boolean {
    if (resourceType !== 'Document') return false;
    const headers = mendHeaders(request.headers, hints);
    const isStrange = headers.some(({ name, value }) => HINT.test(name) && value !== request.headers[name]);
    // Everybody else's goes on as it is, in the browser's own order.
    const params = isStrange ? { requestId, headers } : { requestId };
    const done = (): void => {
      if (isStrange) this.#settle(this.#expected[0]);
    };
    this.#browser.send('Fetch.continueRequest', params).then(done, done);
    return true;
  }

  /** One page less is expected. */
  #settle(timer: NodeJS.Timeout | undefined): void {
    const index = timer === undefined ? -1 : this.#expected.indexOf(timer);
    if (index === -1) return;
    clearTimeout(timer);
    this.#expected.splice(index, 1);
    if (this.#expected.length === 0) void this.#halted.set(NAME, undefined).catch(() => undefined);
  }
}
