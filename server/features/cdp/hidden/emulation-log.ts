import type { Logger } from '../../../platform/logger/logger.ts';
import type { SessionService } from '../../sessions/index.ts';

interface EmulationLogDeps {
  readonly sessions: () => Pick<SessionService, 'note' | 'findLive'>;
  readonly logger: Logger;
}

/** Notes in the history of a session what of its clients' emulation is left out: each kind of command once. */
export class EmulationLog {
  readonly #deps: EmulationLogDeps;
  readonly #noted = new Map<string, Set<string>>();

  constructor(deps: EmulationLogDeps) {
    this.#deps = deps;
  }

  /** Notes a command that was answered as done and not sent. Never throws. */
  note(sessionId: string, method: string): void {
    const { logger, sessions } = this.#deps;
    const noted = this.#noted.get(sessionId) ?? new Set();
    if (noted.has(method)) return;
    if (noted.size === 0) this.#forgetEnded();
    this.#noted.set(sessionId, noted.add(method));
    logger.info({ sessionId, method }, 'emulation of a client ignored');
    sessions()
      .note(sessionId, 'emulationIgnored', {
        reason: `${method} contradicts the identity of the session`,
        data: { method },
      })
      .catch((error: unknown) => logger.warn({ err: error, sessionId }, 'ignored emulation could not be recorded'));
  }

  #forgetEnded(): void {
    const sessions = this.#deps.sessions();
    for (const id of this.#noted.keys()) if (sessions.findLive(id) === undefined) this.#noted.delete(id);
  }
}
