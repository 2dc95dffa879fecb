import type { CloseReason } from '@guise/contract';

import type { Browser } from '../../browser/index.ts';
import { AppError } from '../../lib/app-error.ts';
import { throwFailures } from '../../lib/settled.ts';
import type { Logger } from '../../platform/logger/logger.ts';
import type { LiveSession } from './live-session.ts';
import type { SessionJournal } from './session-journal.ts';
import type { SessionRegistry } from './session-registry.ts';

/** Ends sessions of this process: as asked, at a limit, or because their browser has gone. */
export class SessionEnder {
  readonly #registry: SessionRegistry;
  readonly #journal: SessionJournal;
  readonly #logger: Logger;
  readonly #endElsewhere: ((id: string) => Promise<void>) | undefined;

  constructor({
    registry,
    journal,
    logger,
    endElsewhere,
  }: {
    readonly registry: SessionRegistry;
    readonly journal: SessionJournal;
    readonly logger: Logger;
    readonly endElsewhere?: ((id: string) => Promise<void>) | undefined;
  }) {
    this.#registry = registry;
    this.#journal = journal;
    this.#logger = logger;
    this.#endElsewhere = endElsewhere;
  }

  /** Ends the session when its browser goes by itself. To be called for each browser a session gets. */
  watch(live: LiveSession): void {
    const { browser } = live;
    void browser.gone.then(() => this.#onBrowserGone(live, browser));
  }

  /**
   * Ends what this process holds of a session, also when it is still starting; where it holds nothing, has the node that does end it.
   *
   * @throws {AppError} as that node does; never for a session of this process
   */
  async end(id: string, closeReason: CloseReason): Promise<void> {
    if (!this.#registry.isOwned(id)) return this.#endElsewhere?.(id);
    const start = this.#registry.starting.get(id);
    start?.breakOff(closeReason);
    await start?.finished;
    const live = this.#registry.live.get(id);
    if (live !== undefined) this.startClosing(live, closeReason);
    await this.#registry.ending.get(id);
  }

  /** Begins to end a session, if it is live still; its end is in the registry until it is written. */
  startClosing(live: LiveSession, closeReason: CloseReason): void {
    if (this.#registry.live.get(live.id) !== live) return;
    this.#startEnding(live, closeReason, async () => {
      const closing = this.#journal.moveLive(live, 'close', { reason: closeReason, closeReason });
      throwFailures(
        await Promise.allSettled([closing, this.#letGo(live, closeReason)]),
        'A session did not end cleanly',
      );
      // What its clients did while they were sent away is no use of it any more.
      await this.#journal.move(live.id, 'closed', { reason: 'nothing is left of the browser' });
    });
  }

  #onBrowserGone(live: LiveSession, browser: Browser): void {
    // A session that is being ended has left the map, and one that is being restarted ended this browser itself.
    if (this.#registry.live.get(live.id) !== live || live.isRestarting || live.browser !== browser) return;
    this.#logger.warn({ sessionId: live.id, pid: browser.pid }, 'browser crashed');
    const closeReason = 'browser_crashed';
    this.#startEnding(live, closeReason, async () => {
      const lost = this.#journal.moveLive(live, 'lose', { reason: 'the browser process ended', closeReason });
      throwFailures(
        await Promise.allSettled([lost, this.#letGo(live, closeReason)]),
        'A crashed session did not end cleanly',
      );
    });
  }

  /** Saves what is to be kept of a session, and frees the rest. */
  async #letGo(live: LiveSession, closeReason: CloseReason): Promise<void> {
    try {
      // A node that was given up has no say any more: another may have gone on with the session.
      if (closeReason !== 'node_lost') await this.#saveProfile(live);
    } finally {
      await live.release();
    }
  }

  /** Saves the state of the profile it wears, and notes what came of it. A session ends also where that fails. */
  async #saveProfile(live: LiveSession): Promise<void> {
    const startedAt = performance.now();
    const noting = await live.saveProfile().then(
      (saved) => {
        if (saved === undefined) return undefined;
        const { version, sizeBytes } = saved;
        const data = { version, sizeBytes, durationMs: Math.round(performance.now() - startedAt) };
        return { type: 'profileSaved', details: { reason: 'the session ended', data } } as const;
      },
      (error: unknown) => {
        this.#logger.error({ err: error, sessionId: live.id }, 'profile could not be saved');
        const reason = error instanceof AppError ? error.message : 'internal error';
        return { type: 'profileNotSaved', details: { reason } } as const;
      },
    );
    if (noting === undefined) return;
    await this.#journal.note(live.id, noting.type, noting.details).catch((error: unknown) => {
      this.#logger.warn({ err: error, sessionId: live.id }, 'end of a profile could not be recorded');
    });
  }

  /** Takes a session out of use, tells its clients, and remembers its end until it is written. */
  #startEnding(live: LiveSession, closeReason: CloseReason, run: () => Promise<void>): void {
    const { id } = live;
    const { live: liveSessions, unrecorded, ending } = this.#registry;
    liveSessions.delete(id);
    unrecorded.set(id, closeReason);
    const running = run();
    live.closeClients(closeReason);
    const end = running
      .then(
        () => unrecorded.delete(id),
        (error: unknown) => this.#logger.error({ err: error, sessionId: id }, 'session did not end cleanly'),
      )
      .then(() => {
        ending.delete(id);
      });
    ending.set(id, end);
  }
}
