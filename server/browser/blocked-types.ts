import type { Protocol } from 'devtools-protocol';

import type { CdpSession } from './cdp-connection.ts';
import type { HaltedRequests } from './halted-requests.ts';

/** Kinds of subresources that a browser can be told not to load. */
export type BlockedType = 'images' | 'media' | 'fonts';

const RESOURCE_TYPES: Readonly<Record<BlockedType, Protocol.Network.ResourceType>> = {
  images: 'Image',
  media: 'Media',
  fonts: 'Font',
};

const NAME = 'blocked types';

/**
 * Keeps a browser from loading kinds of subresources.
 *
 * Asked of the browser itself and not of its targets: that holds for every page, frame and worker from its first request on, those
 * that nobody is attached to as well. Only requests of these kinds are held, and only here; clients that hold requests on sessions
 * of their own get those that are left.
 */
export class TypeBlocker {
  readonly #browser: Pick<CdpSession, 'send'>;
  readonly #halted: HaltedRequests;

  constructor(browser: Pick<CdpSession, 'send'>, halted: HaltedRequests) {
    this.#browser = browser;
    this.#halted = halted;
  }

  /**
   * Blocks these kinds and no others, in documents and workers that begin to load from now on. Safe to call again.
   *
   * @throws {CdpClosedError} when the browser is gone
   */
  async block(types: readonly BlockedType[], signal: AbortSignal): Promise<void> {
    const blocked = types.map((type) => RESOURCE_TYPES[type]);
    const patterns = blocked.map((resourceType) => ({ urlPattern: '*', resourceType }));
    const take = ({ requestId, resourceType }: Protocol.Fetch.RequestPausedEvent): boolean => {
      if (!blocked.includes(resourceType)) return false;
      // Its page may be gone already.
      this.#browser.send('Fetch.failRequest', { requestId, errorReason: 'BlockedByClient' }).catch(() => undefined);
      return true;
    };
    await this.#halted.set(NAME, types.length === 0 ? undefined : { patterns, take }, signal);
  }
}
