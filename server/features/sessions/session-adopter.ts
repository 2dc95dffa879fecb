import type { Browser, OwnedBrowser } from '../../browser/index.ts';
import type { Logger } from '../../platform/logger/logger.ts';
import type { Admission } from '../pool/index.ts';
import { HeldBrowser } from './held-browser.ts';
import { LiveSession } from './live-session.ts';
import type { Profiles } from './session-profile.ts';
import type { SessionEnder } from './session-ender.ts';
import type { SessionJournal } from './session-journal.ts';
import type { SessionRegistry } from './session-registry.ts';
import type { SessionRepository } from './session-repository.ts';
import type { OpenSessionPort } from './session-starter.ts';
import { nextState } from './session-state.ts';

/** How long one browser may take to be taken over. Milliseconds. */
const ADOPTION_TIMEOUT_MS = 15_000;

interface SessionAdopterDeps {
  readonly sessions: Pick<SessionRepository, 'find'>;
  readonly nodeId: string;
  readonly registry: SessionRegistry;
  readonly journal: SessionJournal;
  readonly ender: SessionEnder;
  readonly admission: Pick<Admission, 'admitRunning'>;
  readonly profiles: Pick<Profiles, 'findWorn'>;
  readonly openPort: OpenSessionPort;
  /** Connects to a running browser. Rejects when it cannot; nothing of the browser is left then. */
  readonly adopt: (owned: OwnedBrowser, signal: AbortSignal) => Promise<Browser>;
  readonly logger: Logger;
}

/** Takes over the sessions of a service that was killed while their browsers went on. */
export class SessionAdopter {
  readonly #deps: SessionAdopterDeps;

  constructor(deps: SessionAdopterDeps) {
    this.#deps = deps;
  }

  /** Takes over what can be; the caller ends what is not among the answer. Never rejects for one that cannot. */
  async adoptAll(found: readonly OwnedBrowser[]): Promise<Browser[]> {
    const adopted = await Promise.all(
      found.map(async (owned) => {
        try {
          return await this.#adopt(owned);
        } catch (error) {
          this.#deps.logger.warn({ err: error, sessionId: owned.owner }, 'session could not be taken over');
          return undefined;
        }
      }),
    );
    return adopted.filter((browser) => browser !== undefined);
  }

  async #adopt(owned: OwnedBrowser): Promise<Browser | undefined> {
    const { sessions, nodeId, registry, admission, journal, ender } = this.#deps;
    const { owner: id } = owned;
    const row = await sessions.find(id);
    // One that was still starting has no client that knows of it; one that was ending ends.
    if (row?.nodeId !== nodeId || nextState(row.state, 'adopt') === undefined) return undefined;
    const signal = AbortSignal.timeout(ADOPTION_TIMEOUT_MS);
    await using stack = new AsyncDisposableStack();
    stack.use(admission.admitRunning());
    const worn = row.profileId === null ? undefined : await this.#deps.profiles.findWorn(row.profileId, id);
    if (worn !== undefined) stack.use(worn);
    const browser = await this.#deps.adopt(owned, signal);
    const held = stack.use(new HeldBrowser(browser));
    const { port: cdpPort } = stack.use(await this.#deps.openPort(id, held, row.cdpPort ?? undefined));
    const reason = 'taken over from a service that was killed';
    const record = await journal.move(id, 'adopt', { reason, cdpPort, eventType: 'adopted' });
    if (record === undefined) return undefined;
    const live = new LiveSession(record, { held, cdpPort, worn, owned: stack.move() });
    registry.live.set(id, live);
    ender.watch(live);
    return browser;
  }
}
