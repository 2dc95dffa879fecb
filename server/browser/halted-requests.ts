import type { Protocol } from 'devtools-protocol';

import type { CdpSession } from './cdp-connection.ts';

type Paused = Protocol.Fetch.RequestPausedEvent;

/** Somebody who wants requests of certain kinds halted. */
interface RequestHalt {
  readonly patterns: readonly Protocol.Fetch.RequestPattern[];
  /** Deals with a halted request, or leaves it to others by answering false. Must not throw. */
  take(event: Paused): boolean;
}

/**
 * Halts requests of a whole browser, on its own CDP session, for all who want that: the browser knows one list of patterns for each
 * session, and the last one set would be the only one.
 */
export class HaltedRequests {
  readonly #browser: Pick<CdpSession, 'on' | 'send'>;
  readonly #halts = new Map<string, RequestHalt>();
  #isListening = false;

  constructor(browser: Pick<CdpSession, 'on' | 'send'>) {
    this.#browser = browser;
  }

  /**
   * Sets what `name` wants halted from now on, undefined for nothing. Resolves when no such request can get past any more.
   *
   * @throws {CdpClosedError} when the browser is gone
   */
  async set(name: string, halt: RequestHalt | undefined, signal?: AbortSignal): Promise<void> {
    if (halt === undefined && !this.#halts.has(name)) return;
    if (halt === undefined) this.#halts.delete(name);
    else this.#halts.set(name, halt);
    this.#listen();
    const patterns = [...this.#halts.values()].flatMap((each) => each.patterns);
    // What is halted already goes on by itself when nothing is to be any more.
    if (patterns.length === 0) await this.#browser.send('Fetch.disable', undefined, signal);
    else await this.#browser.send('Fetch.enable', { patterns }, signal);
  }

  #listen(): void {
    if (this.#isListening) return;
    this.#isListening = true;
    this.#browser.on('Fetch.requestPaused', (event) => {
      for (const halt of this.#halts.values()) if (halt.take(event)) return;
      // Halted for somebody who wants nothing any more. Its page may be gone already.
      this.#browser.send('Fetch.continueRequest', { requestId: event.requestId }).catch(() => undefined);
    });
  }
}
