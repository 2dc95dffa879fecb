import type { TypedEmitter } from '../../lib/typed-emitter.ts';
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

interface Window {
  readonly startedAt: number;
  written: number;
  /** Refusals since the last one that was written. */
  unwritten: number;
}

/** Notes refused commands in the history of their session: each of them, unless a client makes it its occupation. */
export class RefusalLog {
  readonly #deps: RefusalLogDeps;
  readonly #windows = new Map<string, Window>();

  constructor(deps: RefusalLogDeps) {
    this.#deps = deps;
  }

  /** Notes one. Never throws. */
  note(sessionId: string, { method, why }: Refusal): void {
    const { events, logger, sessions } = this.#deps;
    events.emit('commandRefused', { sessionId, method });
    const unwritten = this.#claim(sessionId);
    if (unwritten === undefined) return;
    logger.info({ sessionId, method, why }, 'cdp command refused');
    const data = { method, why, ...(unwritten > 0 && { unwritten }) };
    sessions()
      .note(sessionId, 'commandRefused', { reason: `${method} is refused`, data })
      .catch((error: unknown) => logger.warn({ err: error, sessionId }, 'refused command could not be recorded'));
  }

  /** Takes a place in the session's window; returns how many refusals went unwritten before, or undefined when it is full. */
  #claim(sessionId: string): number | undefined {
    const now = performance.now();
    const last = this.#windows.get(sessionId);
    const isOver = last === undefined || now - last.startedAt >= WINDOW_MS;
    if (isOver) this.#forgetEnded();
    const window = isOver ? { startedAt: now, written: 0, unwritten: last?.unwritten ?? 0 } : last;
    this.#windows.set(sessionId, window);
    if (window.written >= MOST_IN_WINDOW) {
      window.unwritten += 1;
      return undefined;
    }
    const { unwritten } = window;
    window.written += 1;
    window.unwritten = 0;
    return unwritten;
  }

  #forgetEnded(): void {
    const sessions = this.#deps.sessions();
    for (const id of this.#windows.keys()) if (sessions.findLive(id) === undefined) this.#windows.delete(id);
  }
}
