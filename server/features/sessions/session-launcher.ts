import type { SessionIdentity } from '@guise/contract';

import { type Browser, type BrowserCheckpoint, nearestPage } from '../../browser/index.ts';
import { AppError } from '../../lib/app-error.ts';
import { isTimeout } from '../../lib/deadline.ts';
import type { Logger } from '../../platform/logger/logger.ts';
import type { BrowserRequest, WarmPool } from '../pool/index.ts';
import type { WornProfile } from '../profiles/index.ts';
import { type Identities, toBrowserRequest, viewportOf, withViewport } from './browser-request.ts';
import { toBrowserOptions } from './create-options.ts';
import { HeldBrowser } from './held-browser.ts';
import { LiveSession } from './live-session.ts';
import type { PlacedSession } from './place-at-exit.ts';
import { toSameAgain } from './same-again.ts';
import { type EgressDeps, SessionEgress } from './session-egress.ts';
import type { SessionEnder } from './session-ender.ts';
import type { SessionJournal } from './session-journal.ts';
import { pinned, type Profiles } from './session-profile.ts';
import type { SessionRecord } from './session-record.ts';
import type { SessionRegistry } from './session-registry.ts';

/** A browser that has started and still is not furnished by then hangs. Milliseconds. */
const FURNISH_TIMEOUT_MS = 120_000;

/** A session's own debugging port. */
export interface SessionPort extends AsyncDisposable {
  readonly port: number;
}

/**
 * Opens a port on which the browser that `held` has at the time can be reached: `preferred`, where that is given and free.
 *
 * @throws {AppError} CAPACITY_EXHAUSTED
 */
export type OpenSessionPort = (
  sessionId: string,
  held: { readonly current: Browser },
  preferred?: number,
) => Promise<SessionPort>;

/** What a create request comes to. */
export interface SessionPlan {
  readonly input: PlacedSession;
  readonly request: BrowserRequest;
  readonly egress: SessionEgress;
}

/** A session that is to be started anew. */
interface RestartParts {
  readonly record: SessionRecord;
  /** The options it was created with. */
  readonly options: object;
  readonly checkpoint: BrowserCheckpoint;
}

/** What a start works with. */
interface StartParts extends SessionPlan {
  /** The saved profile it wears. */
  readonly worn: WornProfile | undefined;
  /** What the session holds so far. */
  readonly owned: AsyncDisposableStack;
  /** What its browser is given to go on with. */
  readonly checkpoint?: BrowserCheckpoint;
}

/** What browsers of sessions are made of and where. */
export interface SessionLauncherDeps {
  readonly pool: Pick<WarmPool, 'acquire'>;
  readonly identities: Identities;
  readonly profiles: Profiles;
  readonly egress: EgressDeps;
  readonly openPort: OpenSessionPort;
  readonly logger: Logger;
  readonly extensionsDir: string;
}

/** A session that can be used. */
interface Launched {
  readonly record: SessionRecord;
  /** Whether its browser was there already. */
  readonly isWarm: boolean;
}

/** What the browser of a session claims to be, with the page it has: at a ratio that is no whole number, as near as can be. */
function toSessionIdentity(
  { spec, userAgent, version: browserVersion }: Browser,
  { viewport }: BrowserRequest,
): SessionIdentity {
  const asked = viewport ?? spec.viewport;
  const { deviceScaleFactor } = asked;
  const scale = deviceScaleFactor === undefined ? {} : { deviceScaleFactor };
  if (spec.identity === undefined) {
    const page = nearestPage(asked, deviceScaleFactor ?? 1);
    const { timezone = null, locale = null } = spec;
    return { browserVersion, viewport: { ...page, ...scale }, userAgent, timezone, locale, fingerprint: null };
  }
  const fingerprint = withViewport(spec.identity.fingerprint, viewport);
  const { userAgent: claimed, timezone, locale } = fingerprint;
  const page = viewportOf(fingerprint);
  return { browserVersion, viewport: { ...page, ...scale }, userAgent: claimed, timezone, locale, fingerprint };
}

/** Gives sessions their browsers. */
export class SessionLauncher {
  readonly #deps: SessionLauncherDeps;
  readonly #registry: SessionRegistry;
  readonly #journal: SessionJournal;
  readonly #ender: SessionEnder;

  constructor(
    deps: SessionLauncherDeps,
    parts: { readonly registry: SessionRegistry; readonly journal: SessionJournal; readonly ender: SessionEnder },
  ) {
    this.#deps = deps;
    this.#registry = parts.registry;
    this.#journal = parts.journal;
    this.#ender = parts.ender;
  }

  /**
   * Starts the browser of a session that is in the database and has its place, and makes it live.
   *
   * @throws {AppError} BROWSER_LAUNCH_FAILED, SESSION_ENDED; what was added to `owned` by then is the caller's to dispose
   */
  async launch(
    id: string,
    { input, request, egress, worn, owned, checkpoint }: StartParts,
    signal: AbortSignal,
  ): Promise<Launched> {
    const fill = worn?.hasState === true ? worn.fill.bind(worn) : undefined;
    const { browser, isWarm } = await this.#deps.pool.acquire({ ...request, fill }, signal);
    const held = owned.use(new HeldBrowser(browser));
    await this.#furnish(id, { browser, worn, egress, checkpoint }, signal);
    const { port: cdpPort } = owned.use(await this.#deps.openPort(id, held));
    const identity = toSessionIdentity(browser, request);
    const told =
      checkpoint === undefined
        ? { reason: 'browser ready' }
        : ({ reason: 'started anew from its checkpoint', eventType: 'restored', lastActivityAt: new Date() } as const);
    const [record] = await Promise.all([
      this.#journal.move(id, 'ready', { ...told, cdpPort, identity }),
      browser.noteOwner(id),
    ]);
    if (record === undefined) throw new AppError('SESSION_ENDED', 'The session was ended while it started');
    // Whoever broke the start off while its row was written found nothing to end but this.
    signal.throwIfAborted();

    const live = new LiveSession(record, { held, cdpPort, worn, egress, owned: owned.move() });
    this.#registry.live.set(id, live);
    this.#ender.watch(live);
    if (input.startUrl !== undefined) void this.#openStartUrl(live, input.startUrl);
    return { record, isWarm };
  }

  /**
   * Starts a session anew that is this node's and has its place: as the one it was, with what its last browser had. `owned` is the session's then.
   *
   * @throws as `create`; the caller closes its row
   */
  async restart(
    { record, options, checkpoint }: RestartParts,
    owned: AsyncDisposableStack,
    signal: AbortSignal,
  ): Promise<void> {
    const { extensionsDir, identities, profiles } = this.#deps;
    const { id, profileId } = record;
    const input = toSameAgain(record, options, identities);
    const worn = profileId === null ? undefined : owned.use(await profiles.take(profileId, id));
    const egress = await SessionEgress.restore(this.#deps.egress, record.egress);
    const request = toBrowserRequest(await toBrowserOptions(input, extensionsDir), identities);
    const parts = { input, request: worn === undefined ? request : pinned(request), egress, worn, owned, checkpoint };
    await this.launch(id, parts, signal);
  }

  /** Gives a browser what its session begins with: the cookies of a profile, the way out, the pages it had. */
  async #furnish(
    sessionId: string,
    {
      browser,
      worn,
      egress,
      checkpoint,
    }: {
      readonly browser: Browser;
      readonly worn: WornProfile | undefined;
      readonly egress: SessionEgress;
      readonly checkpoint: BrowserCheckpoint | undefined;
    },
    signal: AbortSignal,
  ): Promise<void> {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(FURNISH_TIMEOUT_MS)]);
    try {
      const refused = (await worn?.giveCookies(browser, deadline)) ?? 0;
      if (refused > 0) this.#deps.logger.warn({ sessionId, cookies: refused }, 'cookies of a profile were refused');
      await egress.attach(sessionId, browser, deadline);
      if (checkpoint !== undefined) await browser.restoreCheckpoint(checkpoint, deadline);
    } catch (error) {
      if (!isTimeout(error) || signal.aborted) throw error;
      throw new AppError('BROWSER_LAUNCH_FAILED', 'The browser started, but does not answer', { cause: error });
    }
  }

  /** Sends the browser on its way after the answer: a slow page must not make a slow create. Never rejects. */
  async #openStartUrl(live: LiveSession, url: string): Promise<void> {
    const signal = AbortSignal.timeout(live.limits.timeoutMs);
    try {
      const page = await live.browser.page(signal);
      await page.navigate({ url, waitUntil: 'commit' }, signal);
    } catch (error) {
      this.#deps.logger.info({ err: error, sessionId: live.id }, 'start url could not be opened');
    }
  }
}
