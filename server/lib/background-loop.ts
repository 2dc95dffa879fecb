import { setTimeout as sleep } from 'node:timers/promises';

interface LoopOptions {
  /** Pause between the end of one pass and the start of the next. Milliseconds. */
  readonly intervalMs: number;
  /** Ceiling of the exponential pause used while passes keep failing. Milliseconds. */
  readonly maxBackoffMs: number;
  readonly run: (signal: AbortSignal) => Promise<void>;
  /** Told of every failed pass, with how many failed in a row. */
  readonly onFailure: (error: unknown, failures: number) => void;
}

/**
 * Runs `run` over and over, never two passes at once, until disposed.
 *
 * A failing pass is reported and retried with backoff: one bad pass must not end the loop. Disposal aborts the signal
 * given to `run` and resolves only when the pass in flight has returned, so that whatever the loop uses (the
 * database, say) can be closed right after.
 */
export class BackgroundLoop implements AsyncDisposable {
  readonly #options: LoopOptions;
  readonly #stop = new AbortController();
  #finished: Promise<void> = Promise.resolve();

  private constructor(options: LoopOptions) {
    this.#options = options;
  }

  static start(options: LoopOptions): BackgroundLoop {
    const loop = new BackgroundLoop(options);
    loop.#finished = loop.#loop();
    return loop;
  }

  async #loop(): Promise<void> {
    const { intervalMs, maxBackoffMs, run, onFailure } = this.#options;
    const { signal } = this.#stop;
    let failures = 0;
    while (!signal.aborted) {
      const pauseMs = Math.min(intervalMs * 2 ** failures, Math.max(intervalMs, maxBackoffMs));
      // The only rejection `sleep` has is our own abort, and the loop condition deals with that.
      await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => undefined);
      if (this.#stop.signal.aborted) return;
      try {
        await run(signal);
        failures = 0;
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        failures += 1;
        onFailure(error, failures);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#finished;
  }
}
