import type { TypedEmitter } from '../../lib/typed-emitter.ts';
import { WindowLimit } from '../../lib/window-limit.ts';
import type { Logger } from '../../platform/logger/logger.ts';
import type { SessionEvents, SessionService } from '../sessions/index.ts';

/** Most events a session gets in one window; the rest are counted. */
const MOST_IN_WINDOW = 20;
const WINDOW_MS = 60_000;

/** A command that a client was refused. */
export interface Refusal {
  readonly method: string;
  /** As the client was told. */
  readonly why: string;
}

interface RefusalLogDeps {
  readonly sessions: () => Pick<SessionService, 'note' | 'findLive'>;
  readonly events: Pick<TypedEmitter<SessionEvents>, 'emit'>;
  readonly logger: Logger;
}

/** Notes refused commands in the history of their session: each of them, unless a client makes it its occupation. */
export class RefusalLog {
  readonly #deps: RefusalLogDeps;
  readonly #limit = new WindowLimit({ most: MOST_IN_WINDOW, windowMs: WINDOW_MS });

  constructor(deps: RefusalLogDeps) {
    this.#deps = deps;
  }

  /** Notes one. Never throws. */
  note(sessionId: string, { method, why }: Refusal): void {
    const { events, logger, sessions } = this.#deps;
    events.emit('commandRefused', { sessionId, method });
    const unwritten = this.#limit.claim(sessionId);
    if (unwritten === undefined) return;
    this.#limit.keepOnly((id) => id === sessionId || sessions().findLive(id) !== undefined);
    logger.info({ sessionId, method, why }, 'cdp command refused');
    const data = { method, why, ...(unwritten > 0 && { unwritten }) };
    sessions()
      .note(sessionId, 'commandRefused', { reason: `${method} is refused`, data })
      .catch((error: unknown) => logger.warn({ err: error, sessionId }, 'refused command could not be recorded'));
  }
}
