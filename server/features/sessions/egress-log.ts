import type { TypedEmitter } from '../../lib/typed-emitter.ts';
import { WindowLimit } from '../../lib/window-limit.ts';
import type { Logger } from '../../platform/logger/logger.ts';
import type { EgressFailure, EgressListener, EgressRefusal } from '../egress/index.ts';
import type { SessionEvents } from './session-events.ts';
import type { SessionService } from './session-service.ts';

/** Most events of each kind a session gets in one window; the rest are counted. A page that scans ports makes thousands. */
const MOST_IN_WINDOW = 200;
/** How often the same destination is told of in one window: browsers try again by themselves. */
const MOST_ALIKE_IN_WINDOW = 1;
const WINDOW_MS = 60_000;

interface EgressLogDeps {
  readonly sessions: () => Pick<SessionService, 'note' | 'findLive'>;
  readonly events: Pick<TypedEmitter<SessionEvents>, 'emit'>;
  readonly logger: Logger;
}

/** Notes refused connections, and what is wrong with upstream proxies, in the history of their session. */
export class EgressLog {
  readonly #deps: EgressLogDeps;
  readonly #limit = new WindowLimit({ most: MOST_IN_WINDOW, windowMs: WINDOW_MS });
  readonly #alike = new WindowLimit({ most: MOST_ALIKE_IN_WINDOW, windowMs: WINDOW_MS });

  constructor(deps: EgressLogDeps) {
    this.#deps = deps;
  }

  /** Who is told what happens to the connections of one session. */
  listenerFor(sessionId: string): EgressListener {
    return {
      refused: (refusal) => {
        this.#deps.events.emit('egressRefused', { sessionId, reason: refusal.reason });
        this.#note(sessionId, 'egressRefused', refusal);
      },
      failed: (failure) => {
        this.#deps.events.emit('egressFailed', { sessionId, reason: failure.reason });
        // A site that is down is no news of the session; a proxy that is may be all that is wrong with it.
        if (failure.reason.startsWith('proxy_')) this.#note(sessionId, 'proxyFailed', failure);
      },
    };
  }

  #note(sessionId: string, type: 'egressRefused' | 'proxyFailed', problem: EgressRefusal | EgressFailure): void {
    const { logger, sessions } = this.#deps;
    const { host, port, reason, why } = problem;
    if (this.#alike.claim(`${sessionId} ${type} ${reason} ${host}:${port}`) === undefined) return;
    const unwritten = this.#limit.claim(`${sessionId} ${type}`);
    if (unwritten === undefined) return;
    this.#forgetEnded(sessionId);
    logger.info({ sessionId, host, port, reason, why }, type === 'proxyFailed' ? 'proxy failed' : 'connection refused');
    const data = { host, port, reason, why, ...(unwritten > 0 && { unwritten }) };
    sessions()
      .note(sessionId, type, { reason: why, data })
      .catch((error: unknown) => logger.warn({ err: error, sessionId }, 'refused connection could not be recorded'));
  }

  #forgetEnded(sessionId: string): void {
    const isWanted = (key: string): boolean => {
      const [id = ''] = key.split(' ');
      return id === sessionId || this.#deps.sessions().findLive(id) !== undefined;
    };
    this.#limit.keepOnly(isWanted);
    this.#alike.keepOnly(isWanted);
  }
}
