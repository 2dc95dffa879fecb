import type { Protocol } from 'devtools-protocol';

import type { CdpSession } from './cdp-connection.ts';
import { mendHeaders } from './first-request.ts';

type ClientHints = Protocol.Emulation.UserAgentMetadata;

/** How long after it was expected a page may ask for its first document. Milliseconds. */
const PATIENCE_MS = 2_000;
const HINT = /^sec-ch-ua$/i;

/** The browser's own connection, as far as it halts requests. */
type RequestHalter = Pick<CdpSession, 'on' | 'send'>;

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
  readonly #browser: RequestHalter;
  readonly #hints: ClientHints | undefined;
  /** Timers that give up on the pages that are expected, oldest first. */
  readonly #expected: NodeJS.Timeout[] = [];
  #isListening = false;

  /** Without hints there is nothing to mend. */
  constructor(browser: RequestHalter, hints: ClientHints | undefined) {
    this.#browser = browser;
    this.#hints = hints;
  }

  /** Expects one more page. Resolves, never rejects, when its request cannot get past us any more. */
  async expect(): Promise<void> {
    const hints = this.#hints;
    if (hints === undefined) return;
    this.#listen(hints);
    const timer = setTimeout(() => this.#settle(timer), PATIENCE_MS).unref();
    const params = { patterns: [{ urlPattern: 'http*', resourceType: 'Document' as const }] };
    this.#expected.push(timer);
    // Said again for each, so that whoever comes second waits for the browser's word too.
    await this.#browser.send('Fetch.enable', params).catch(() => undefined);
  }

  #listen(hints: ClientHints): void {
    if (this.#isListening) return;
    this.#isListening = true;
    this.#browser.on('Fetch.requestPaused', ({ requestId, request }) => {
      const headers = mendHeaders(request.headers, hints);
      const isStrange = headers.some(({ name, value }) => HINT.test(name) && value !== request.headers[name]);
      // Everybody else's goes on as it is, in the browser's own order.
      const params = isStrange ? { requestId, headers } : { requestId };
      const done = (): void => {
        if (isStrange) this.#settle(this.#expected[0]);
      };
      this.#browser.send('Fetch.continueRequest', params).then(done, done);
    });
  }

  /** One page less is expected. */
  #settle(timer: NodeJS.Timeout | undefined): void {
    const index = timer === undefined ? -1 : this.#expected.indexOf(timer);
    if (index === -1) return;
    clearTimeout(timer);
    this.#expected.splice(index, 1);
    // What is halted goes on by itself.
    if (this.#expected.length === 0) void this.#browser.send('Fetch.disable').catch(() => undefined);
  }
}
