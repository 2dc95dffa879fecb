import type { Browser } from '../../browser/index.ts';
import { once } from '../../lib/once.ts';

/** The browser a session has now: one after another where it is restarted. Disposing it ends the one it has then. */
export class HeldBrowser implements AsyncDisposable {
  #current: Browser;
  #replacing: Promise<void> | undefined;
  readonly #stop = new AbortController();
  readonly [Symbol.asyncDispose] = once(() => this.#dispose());

  constructor(browser: Browser) {
    this.#current = browser;
  }

  get current(): Browser {
    return this.#current;
  }

  /** Settles, never rejects, when no replacement is under way. */
  get settled(): Promise<void> {
    return this.#replacing ?? Promise.resolve();
  }

  get isReplacing(): boolean {
    return this.#replacing !== undefined;
  }

  /**
   * Replaces the browser by what `make` makes of it; `make` ends the old one, whether it succeeds or fails. Broken off when
   * this is disposed.
   */
  async replace(make: (old: Browser, signal: AbortSignal) => Promise<Browser>): Promise<void> {
    this.#stop.signal.throwIfAborted();
    const replacing = make(this.#current, this.#stop.signal).then((browser) => {
      this.#current = browser;
    });
    this.#replacing = replacing
      .catch(() => undefined)
      .finally(() => {
        this.#replacing = undefined;
      });
    await replacing;
  }

  /** Breaks off a replacement under way, and allows none any more; resolves when the browser stays the one it is. */
  async stopReplacing(): Promise<void> {
    this.#stop.abort(new Error('The session has ended'));
    await this.settled;
  }

  async #dispose(): Promise<void> {
    await this.stopReplacing();
    await this.#current[Symbol.asyncDispose]();
  }
}
