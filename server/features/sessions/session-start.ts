import type { CloseReason } from '@guise/contract';

import { AppError } from '../../lib/app-error.ts';

/** A session that is being created or taken over, which a delete or a stop of the service may break off. */
export class SessionStart {
  /** Why it was broken off; undefined while nobody did. */
  closeReason: CloseReason | undefined;
  readonly #abort = new AbortController();
  readonly #finished = Promise.withResolvers<void>();

  /** Aborted, with an `AppError` for the creating client, when the start is broken off. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Resolves when that is over, one way or the other. */
  get finished(): Promise<void> {
    return this.#finished.promise;
  }

  breakOff(closeReason: CloseReason): void {
    if (this.closeReason !== undefined) return;
    this.closeReason = closeReason;
    this.#abort.abort(
      closeReason === 'shutdown'
        ? new AppError('SHUTTING_DOWN', 'This node is shutting down: the session was not started')
        : new AppError('SESSION_ENDED', 'The session was ended while it started', { extensions: { closeReason } }),
    );
  }

  finish(): void {
    this.#finished.resolve();
  }
}
