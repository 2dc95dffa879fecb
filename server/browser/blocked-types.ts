import type { Protocol } from 'devtools-protocol';

import { type CdpSession } from './cdp-connection.ts';

/** Kinds of subresources that a browser can be told not to load. */
export type BlockedType = 'images' | 'media' | 'fonts';

const RESOURCE_TYPES: Readonly<Record<BlockedType, Protocol.Network.ResourceType>> = {
  images: 'Image',
  media: 'Media',
  fonts: 'Font',
};

/**
 * Keeps a browser from loading kinds of subresources.
 *
 * Asked of the browser itself and not of its targets: that holds for every page, frame and worker from its first request on, those
 * that nobody is attached to as well. Only requests of these kinds are held, and only here; clients that hold requests on sessions
 * of their own get those that are left.
 */
export class TypeBlocker {
  readonly #browser: CdpSession;
  #isListening = false;

  constructor(browser: CdpSession) {
    this.#browser = browser;
  }

  /**
   * Blocks these kinds and no others, in documents and workers that begin to load from now on. Safe to call again.
   *
   * @throws {CdpClosedError} when the browser is gone
   */
  async block(types: readonly BlockedType[], signal: AbortSignal): Promise<void> {
    if (types.length === 0) {
      if (this.#isListening) await this.#browser.send('Fetch.disable', undefined, signal);
      return;
    }
    this.#listen();
    const patterns = types.map((type) => ({ urlPattern: '*', resourceType: RESOURCE_TYPES[type] }));
    await this.#browser.send('Fetch.enable', { patterns }, signal);
  }

  #listen(): void {
    if (this.#isListening) return;
    this.#isListening = true;
    this.#browser.on('Fetch.requestPaused', ({ requestId }) => {
      // Its page may be gone already.
      this.#browser.send('Fetch.failRequest', { requestId, errorReason: 'BlockedByClient' }).catch(() => undefined);
    });
  }
}
