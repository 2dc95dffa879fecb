import { setTimeout as sleep } from 'node:timers/promises';

import type { TypedEmitter } from '../../lib/typed-emitter.ts';
import type { Logger } from '../../platform/logger/logger.ts';
import type { LiveSession } from './live-session.ts';
import type { SessionEvents } from './session-events.ts';
import type { SessionService } from './session-service.ts';

/** A browser that has not answered by then does not work. Milliseconds. */
const LONGEST_ANSWER_MS = 5_000;

interface SessionHealthDeps {
  readonly sessions: Pick<SessionService, 'live' | 'move' | 'end' | 'note'>;
  readonly events: TypedEmitter<SessionEvents>;
  readonly logger: Logger;
  /** Milliseconds between checks; an answer may take this long at most, and never longer than 5 s. */
  readonly intervalMs: number;
}

/**
 * Finds the browsers that run and do not answer.
 *
 * The browser process itself is asked, and whether its processes are complete. A session whose browser does not answer is
 * UNHEALTHY; it recovers when the browser answers the next time it is asked, soon after, and is closed with `unhealthy` when it does
 * not. Pages are asked too, but one that loops keeps its own renderer busy and nothing else: that is told by an event and no more.
 */
export class SessionHealth {
  readonly #deps: SessionHealthDeps;
  readonly #answerMs: number;
  /** Target ids of the pages that were found hung at the last look. */
  readonly #hung = new WeakMap<LiveSession, ReadonlySet<string>>();

  constructor(deps: SessionHealthDeps) {
    this.#deps = deps;
    this.#answerMs = Math.min(deps.intervalMs, LONGEST_ANSWER_MS);
  }

  /** Checks every live session once, all at the same time. Rejects only when `signal` is aborted. */
  async checkAll(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.#deps.sessions.live].map((live) => this.#check(live, signal)));
  }

  async #check(live: LiveSession, signal: AbortSignal): Promise<void> {
    const { sessions, logger } = this.#deps;
    const { id: sessionId } = live;
    if (live.isRestarting) return;
    try {
      if (await this.#works(live)) {
        await this.#checkPages(live);
        return;
      }
      logger.warn({ sessionId, pid: live.browser.pid }, 'browser does not answer');
      await sessions.move(live, 'sicken', { reason: 'the browser does not answer' });
      await sleep(this.#answerMs, undefined, { signal });
      if (await this.#works(live)) await sessions.move(live, 'recover', { reason: 'the browser answers again' });
      else if (sessions.live.includes(live)) await sessions.end(sessionId, 'unhealthy');
    } catch (error) {
      signal.throwIfAborted();
      // One session that cannot be checked must not keep the others from it.
      logger.error({ err: error, sessionId }, 'session could not be checked');
    }
  }

  async #works(live: LiveSession): Promise<boolean> {
    const answers = live.browser.ping(AbortSignal.timeout(this.#answerMs)).then(
      () => true,
      () => false,
    );
    const works = (await answers) && (await live.browser.isComplete());
    this.#deps.events.emit('healthChecked', { outcome: works ? 'ok' : 'failed' });
    return works;
  }

  /** Tells of pages that have ceased to answer since the last look, and of those that answer again. */
  async #checkPages(live: LiveSession): Promise<void> {
    const { sessions, events } = this.#deps;
    const before = this.#hung.get(live) ?? new Set();
    const now = new Set(await live.browser.findHungPages(AbortSignal.timeout(this.#answerMs)));
    this.#hung.set(live, now);
    for (const targetId of now.difference(before)) {
      events.emit('healthChecked', { outcome: 'page_hung' });
      await sessions.note(live.id, 'pageHung', { reason: 'the page does not answer', data: { targetId } });
    }
    for (const targetId of before.difference(now)) {
      await sessions.note(live.id, 'pageRecovered', {
        reason: 'the page answers again, or is gone',
        data: { targetId },
      });
    }
  }
}
