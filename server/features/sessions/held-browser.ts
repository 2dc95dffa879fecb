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
   * this is disposed: resolves to whether it was done.
   *
   * @throws what `make` throws, unless that was broken off
   */
  async replace(make: (old: Browser, signal: AbortSignal) => Promise<Browser>): Promise<boolean> {
    const { signal } = this.#stop;
    if (signal.aborted) return false;
    const replacing = make(this.#current, signal).then((browser) => {
      this.#current = browser;
      return true;
    });
    this.#replacing = replacing
      .then(
        () => undefined,
        () => undefined,
      )
      .finally(() => {
        this.#replacing = undefined;
      });
    try {
      return await replacing;
    } catch (error) {
      if (signal.aborted) return false;
      throw error;
    }
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
