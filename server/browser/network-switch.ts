import type { CdpSession } from './cdp-connection.ts';

/** Has a page tell of its network traffic while anybody wants to know: navigations overlap, and one must not end it for the next. */
export class NetworkSwitch {
  readonly #session: CdpSession;
  readonly #users = new Set<symbol>();

  constructor(session: CdpSession) {
    this.#session = session;
  }

  /** Network events come until this is disposed, which is safe to do twice. */
  use(): Disposable {
    const user = Symbol('user');
    this.#users.add(user);
    // Not waited for: commands of one session are taken in the order in which they were sent. The page may be gone.
    this.#session.send('Network.enable', { maxTotalBufferSize: 0, maxResourceBufferSize: 0 }).catch(() => undefined);
    return {
      [Symbol.dispose]: () => {
        if (!this.#users.delete(user) || this.#users.size > 0) return;
        this.#session.send('Network.disable').catch(() => undefined);
      },
    };
  }
}
