import type { Browser, OwnedBrowser } from '../../browser/index.ts';
import { raceAbort } from '../../lib/deadline.ts';
import type { Logger } from '../../platform/logger/logger.ts';
import type { Admission } from '../pool/index.ts';
import { HeldBrowser } from './held-browser.ts';
import { LiveSession } from './live-session.ts';
import type { SessionEnder } from './session-ender.ts';
import type { SessionJournal } from './session-journal.ts';
import type { SessionRegistry } from './session-registry.ts';
import type { SessionRepository } from './session-repository.ts';
import { SessionStart } from './session-start.ts';
import type { OpenSessionPort } from './session-starter.ts';
import { nextState } from './session-state.ts';

/** How long the start of the service waits for the browsers it takes over. Milliseconds. */
const START_WAITS_MS = 3_000;
/**
 * How long one browser may take to be taken over. Generous: a machine that has just come back to a hundred busy browsers is slow,
 * and nobody but the clients of that one session waits for it. Milliseconds.
 */
const ADOPTION_TIMEOUT_MS = 30_000;

interface SessionAdopterDeps {
  readonly sessions: Pick<SessionRepository, 'find'>;
  readonly nodeId: string;
  readonly registry: SessionRegistry;
  readonly journal: SessionJournal;
  readonly ender: SessionEnder;
  readonly admission: Pick<Admission, 'admitRunning'>;
  readonly openPort: OpenSessionPort;
  /** Connects to a running browser. Rejects when it cannot; nothing of the browser is left then. */
  readonly adopt: (owned: OwnedBrowser, signal: AbortSignal) => Promise<Browser>;
  readonly logger: Logger;
}

/**
 * Takes over the sessions of a service that was killed while their browsers went on.
 *
 * All are asked at once. One that answers late is taken over when it does: until then its session is starting here, cannot be
 * used, and can be ended.
 */
export class SessionAdopter {
  readonly #deps: SessionAdopterDeps;

  constructor(deps: SessionAdopterDeps) {
    this.#deps = deps;
  }

  /**
   * Takes over what can be, and resolves when that is done or the start of the service has waited long enough. The caller ends
   * what is not among the answer: browsers that are a session's now, or may become one's still. Never rejects.
   */
  async adoptAll(found: readonly OwnedBrowser[]): Promise<OwnedBrowser[]> {
    const lost = new Set<OwnedBrowser>();
    const late = new Set(found);
    const adoptions = found.map(async (owned) => {
      if (!(await this.#tryAdopt(owned))) lost.add(owned);
      late.delete(owned);
    });
    // What takes longer goes on: it is in the registry, and ended with everything else there.
    await raceAbort(Promise.all(adoptions), AbortSignal.timeout(START_WAITS_MS)).catch(() => undefined);
    if (late.size > 0) this.#deps.logger.warn({ sessions: late.size }, 'browsers left behind do not answer yet');
    return found.filter((owned) => !lost.has(owned));
  }

  /** Whether it was taken over; if it was not, nothing of the browser is left, or the caller is to end it. Never rejects. */
  async #tryAdopt(owned: OwnedBrowser): Promise<boolean> {
    const { registry, logger } = this.#deps;
    const { owner: id } = owned;
    const start = new SessionStart();
    registry.starting.set(id, start);
    try {
      return await this.#adopt(owned, AbortSignal.any([start.signal, AbortSignal.timeout(ADOPTION_TIMEOUT_MS)]));
    } catch (error) {
      logger.warn({ err: error, sessionId: id }, 'session could not be taken over');
      await this.#lose(id, start);
      return false;
    } finally {
      registry.starting.delete(id);
      start.finish();
    }
  }

  async #adopt(owned: OwnedBrowser, signal: AbortSignal): Promise<boolean> {
    const { sessions, nodeId, registry, admission, journal, ender } = this.#deps;
    const { owner: id } = owned;
    const row = await sessions.find(id);
    // One that was still starting has no client that knows of it; one that was ending ends.
    if (row?.nodeId !== nodeId || nextState(row.state, 'adopt') === undefined) return false;
    await using stack = new AsyncDisposableStack();
    stack.use(admission.admitRunning());
    const browser = await this.#deps.adopt(owned, signal);
    const held = stack.use(new HeldBrowser(browser));
    const { port: cdpPort } = stack.use(await this.#deps.openPort(id, held, row.cdpPort ?? undefined));
    const reason = 'taken over from a service that was killed';
    const record = await journal.move(id, 'adopt', { reason, cdpPort, eventType: 'adopted' });
    if (record === undefined) return false;
    // Whoever broke this off while the row was written found nothing to end but this.
    signal.throwIfAborted();
    const live = new LiveSession(record, { held, cdpPort, owned: stack.move() });
    registry.live.set(id, live);
    ender.watch(live);
    return true;
  }

  /** Closes the row of a session whose browser is gone, for the reason its end was asked for if it was. Never rejects. */
  async #lose(id: string, { closeReason = 'node_lost' }: SessionStart): Promise<void> {
    const { registry, journal, logger } = this.#deps;
    registry.unrecorded.set(id, closeReason);
    try {
      await journal.move(id, 'lose', { reason: 'its browser could not be taken over', closeReason });
      registry.unrecorded.delete(id);
    } catch (error) {
      // `closeUnowned` does it when the database is back.
      logger.error({ err: error, sessionId: id }, 'lost session could not be closed');
    }
  }
}
