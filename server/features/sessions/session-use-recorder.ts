import type { LiveSession } from './live-session.ts';
import type { SessionRepository, SessionUse } from './session-repository.ts';
import type { SessionService } from './session-service.ts';

interface SessionUseRecorderDeps {
  readonly sessions: Pick<SessionService, 'live'>;
  readonly rows: Pick<SessionRepository, 'storeUse'>;
}

/**
 * Brings the rows of live sessions up to date with their use: what a service that is killed loses of it is what came after the
 * last time.
 */
export class SessionUseRecorder {
  readonly #deps: SessionUseRecorderDeps;
  readonly #stored = new WeakMap<LiveSession, SessionUse>();

  constructor(deps: SessionUseRecorderDeps) {
    this.#deps = deps;
  }

  /** Writes the use of the sessions that have been used since the last time; nothing when none has. */
  async storeAll(): Promise<void> {
    const used = this.#deps.sessions.live.flatMap((live) => {
      const { id, requestCount, lastActivityAt } = live;
      const use = { id, requestCount, lastActivityAt };
      return this.#isStored(live, use) ? [] : [{ live, use }];
    });
    if (used.length === 0) return;
    await this.#deps.rows.storeUse(used.map(({ use }) => use));
    for (const { live, use } of used) this.#stored.set(live, use);
  }

  #isStored(live: LiveSession, { requestCount, lastActivityAt }: SessionUse): boolean {
    const stored = this.#stored.get(live);
    return stored?.requestCount === requestCount && stored.lastActivityAt >= lastActivityAt;
  }
}
