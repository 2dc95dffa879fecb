import type { Browser, OwnedBrowser } from '../../browser/index.ts';
import { raceAbort } from '../../lib/deadline.ts';
import type { Logger } from '../../platform/logger/logger.ts';
import type { SessionPlaces } from '../pool/index.ts';
import { HeldBrowser } from './held-browser.ts';
import { LiveSession } from './live-session.ts';
import { type EgressDeps, SessionEgress } from './session-egress.ts';
import type { Profiles } from './session-profile.ts';
import type { SessionEnder } from './session-ender.ts';
import type { SessionJournal } from './session-journal.ts';
import type { SessionRecord } from './session-record.ts';
import type { SessionRegistry } from './session-registry.ts';
import type { SessionRepository } from './session-repository.ts';
import { SessionStart } from './session-start.ts';
import type { OpenSessionPort } from './session-launcher.ts';
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
  readonly admission: Pick<SessionPlaces, 'admitRunning'>;
  readonly profiles: Pick<Profiles, 'findWorn'>;
  readonly egress: EgressDeps;
  readonly openPort: OpenSessionPort;
  /** Connects to a running browser. Rejects when it cannot; nothing of the browser is left then. */
  readonly adopt: (owned: OwnedBrowser, signal: AbortSignal) => Promise<Browser>;
  readonly logger: Logger;
}

/** A browser with the session it belongs to. */
interface Adoptable {
  readonly owned: OwnedBrowser;
  readonly row: SessionRecord;
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
    const adoptable = (await Promise.all(found.map((owned) => this.#findAdoptable(owned)))).flat();
    const lost = new Set<Adoptable>();
    const late = new Set(adoptable);
    const adoptions = adoptable.map(async (each) => {
      if (!(await this.#tryAdopt(each))) lost.add(each);
      late.delete(each);
    });
    // What takes longer goes on: it is in the registry, and ended with everything else there.
    await raceAbort(Promise.all(adoptions), AbortSignal.timeout(START_WAITS_MS)).catch(() => undefined);
    if (late.size > 0) this.#deps.logger.warn({ sessions: late.size }, 'browsers left behind do not answer yet');
    return adoptable.filter((each) => !lost.has(each)).map(({ owned }) => owned);
  }

  /** The browser with the row of its session, if that can go on. Never rejects. */
  async #findAdoptable(owned: OwnedBrowser): Promise<readonly Adoptable[]> {
    const { sessions, nodeId, logger } = this.#deps;
    try {
      const row = await sessions.find(owned.owner);
      // One that was still starting has no client that knows of it; one that was ending ends.
      const isAdoptable = row?.nodeId === nodeId && nextState(row.state, 'adopt') !== undefined;
      return isAdoptable ? [{ owned, row }] : [];
    } catch (error) {
      logger.warn({ err: error, sessionId: owned.owner }, 'session could not be looked up');
      return [];
    }
  }

  /** Whether it was taken over; if it was not, nothing of the browser is left. Never rejects. */
  async #tryAdopt({ owned, row }: Adoptable): Promise<boolean> {
    const { registry, logger } = this.#deps;
    const { id } = row;
    const start = new SessionStart();
    registry.starting.set(id, start);
    try {
      const signal = AbortSignal.any([start.signal, AbortSignal.timeout(ADOPTION_TIMEOUT_MS)]);
      return await this.#adopt({ owned, row }, signal);
    } catch (error) {
      logger.warn({ err: error, sessionId: id }, 'session could not be taken over');
      await this.#lose(id, start);
      return false;
    } finally {
      registry.starting.delete(id);
      start.finish();
    }
  }

  async #adopt({ owned, row }: Adoptable, signal: AbortSignal): Promise<boolean> {
    const { registry, admission, journal, ender } = this.#deps;
    const { id } = row;
    await using stack = new AsyncDisposableStack();
    stack.use(admission.admitRunning(id));
    const worn = row.profileId === null ? undefined : await this.#deps.profiles.findWorn(row.profileId, id);
    if (worn !== undefined) stack.use(worn);
    const browser = await this.#deps.adopt(owned, signal);
    const held = stack.use(new HeldBrowser(browser));
    const egress = await SessionEgress.restore(this.#deps.egress, row.egress);
    await egress.attach(id, browser, signal);
    const { port: cdpPort } = stack.use(await this.#deps.openPort(id, held, row.cdpPort ?? undefined));
    const reason = 'taken over from a service that was killed';
    const record = await journal.move(id, 'adopt', { reason, cdpPort, eventType: 'adopted' });
    if (record === undefined) return false;
    // Whoever broke this off while the row was written found nothing to end but this.
    signal.throwIfAborted();
    const live = new LiveSession(record, { held, cdpPort, worn, egress, owned: stack.move() });
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
