import type { CloseReason } from '@guise/contract';

import type { Browser } from '../../browser/index.ts';
import type { Logger } from '../../platform/logger/logger.ts';
import type { LiveSession } from './live-session.ts';
import type { SessionEnder } from './session-ender.ts';
import type { SessionJournal } from './session-journal.ts';

interface SessionRecyclerDeps {
  readonly journal: SessionJournal;
  readonly ender: SessionEnder;
  /** Ends a browser and starts another with what it had: its user-data directory and its open pages. */
  readonly relaunch: (old: Browser, signal: AbortSignal) => Promise<Browser>;
  readonly logger: Logger;
}

/** Does what a session wants done when it has reached its limit of requests or memory: ends it, or gives it a new browser. */
export class SessionRecycler {
  readonly #deps: SessionRecyclerDeps;
  /** How many requests a session had served when its browser was last restarted. */
  readonly #servedBefore = new WeakMap<object, number>();

  constructor(deps: SessionRecyclerDeps) {
    this.#deps = deps;
  }

  /** Requests to the browser a session has now, by which it is held to its limit. */
  requestsSinceStart(live: Pick<LiveSession, 'recycle' | 'requestCount' | 'requestsBefore'>): number {
    // How often the browser of one that was taken over had been restarted nobody knows any more: better late than one too many.
    const unknown = live.recycle === 'restart' ? live.requestsBefore : 0;
    return live.requestCount - (this.#servedBefore.get(live) ?? unknown);
  }

  /** Begins to recycle a session. Its clients are sent away; after a restart they may come back to the same address. */
  recycle(live: LiveSession, limit: Extract<CloseReason, 'max_requests' | 'memory_limit'>): void {
    if (live.recycle === 'close') this.#deps.ender.startClosing(live, limit);
    else void this.#restart(live, limit);
  }

  async #restart(live: LiveSession, limit: 'max_requests' | 'memory_limit'): Promise<void> {
    const { relaunch, ender, journal, logger } = this.#deps;
    live.closeClients('browser_restarted');
    try {
      // A session that ends meanwhile needs no browser any more, which is nobody's failure.
      if (!(await live.replaceBrowser(relaunch))) return;
    } catch (error) {
      logger.error({ err: error, sessionId: live.id }, 'browser could not be restarted');
      ender.startClosing(live, limit);
      return;
    }
    ender.watch(live);
    await live.noteOwner().catch((error: unknown) => {
      logger.warn({ err: error, sessionId: live.id }, 'owner of a browser could not be noted');
    });
    this.#servedBefore.set(live, live.requestCount);
    live.usage = undefined;
    live.touch();
    await journal.note(live.id, 'browserRestarted', { reason: limit, data: { limit } }).catch((error: unknown) => {
      logger.warn({ err: error, sessionId: live.id }, 'restart could not be recorded');
    });
  }
}
