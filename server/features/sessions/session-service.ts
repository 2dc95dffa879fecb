import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { type CloseReason, type CreateSession, type SessionEvent, type UpdateSession } from '@guise/contract';

import { type Browser, type BrowserSpec, CdpClosedError, type Page } from '../../browser/index.ts';
import { AppError } from '../../lib/app-error.ts';
import { isTimeout } from '../../lib/deadline.ts';
import { throwFailures } from '../../lib/settled.ts';
import type { TypedEmitter } from '../../lib/typed-emitter.ts';
import type { Logger } from '../../platform/logger/logger.ts';
import type { Admission, WarmPool } from '../pool/index.ts';
import { toBrowserSpec, toNewSession } from './create-options.ts';
import { LiveSession } from './live-session.ts';
import type { SessionEvents } from './session-events.ts';
import type { SessionRecord } from './session-record.ts';
import type { MoveDetails, SessionFilter, SessionRepository } from './session-repository.ts';
import { SessionStart } from './session-start.ts';
import { isTerminal, type SessionTrigger } from './session-state.ts';

/** A session nobody has used for this long is idle. Milliseconds. */
const IDLE_AFTER_MS = 10_000;
/** How long a page that is gone may be ahead of the news that its browser is gone. Milliseconds. */
const CRASH_NEWS_MS = 200;

/** A session's own debugging port. */
export interface SessionPort extends AsyncDisposable {
  readonly port: number;
}

interface SessionServiceDeps {
  readonly sessions: SessionRepository;
  readonly pool: Pick<WarmPool, 'acquire'>;
  readonly admission: Pick<Admission, 'acquire'>;
  readonly openPort: (sessionId: string, browser: Browser) => Promise<SessionPort>;
  readonly events: TypedEmitter<SessionEvents>;
  readonly logger: Logger;
  readonly defaultTimeoutMs: number;
  readonly extensionsDir: string;
}

/**
 * Use cases over sessions.
 *
 * The row is the truth about a session's state; the maps here only say what this process holds. An id is in one of
 * them from before its row is written until its row is CLOSED, so a live row whose id is in none belongs to nobody.
 */
export class SessionService {
  readonly #deps: SessionServiceDeps;
  readonly #starting = new Map<string, SessionStart>();
  readonly #live = new Map<string, LiveSession>();
  readonly #ending = new Map<string, Promise<void>>();
  /** Ends that have not been written yet, because the database did not take them. */
  readonly #unrecorded = new Map<string, CloseReason>();

  constructor(deps: SessionServiceDeps) {
    this.#deps = deps;
  }

  /** The sessions that can be used now. */
  get live(): readonly LiveSession[] {
    return [...this.#live.values()];
  }

  /** Clients connected to all sessions of this process. */
  get clientCount(): number {
    return this.live.reduce((sum, live) => sum + live.clientCount, 0);
  }

  /**
   * Creates a session and waits until its browser can be used.
   *
   * @throws {AppError} VALIDATION_FAILED, OPTION_NOT_AVAILABLE, CAPACITY_EXHAUSTED, SHUTTING_DOWN before anything is
   *   recorded; BROWSER_LAUNCH_FAILED, SESSION_ENDED afterwards, the session then being CLOSED and nothing left of it
   */
  async create(input: CreateSession, clientSignal: AbortSignal): Promise<SessionRecord> {
    const startedAt = performance.now();
    const spec = await toBrowserSpec(input, this.#deps.extensionsDir);
    const id = randomUUID();
    const start = new SessionStart();
    this.#starting.set(id, start);
    await using owned = new AsyncDisposableStack();
    try {
      const signal = AbortSignal.any([clientSignal, start.signal]);
      owned.use(await this.#deps.admission.acquire(signal));
      await this.#deps.sessions.insert(toNewSession(id, input, this.#deps.defaultTimeoutMs));
      try {
        const { record, isWarm } = await this.#start(id, { input, spec, owned }, signal);
        this.#emitCreated(startedAt, isWarm ? 'warm' : 'cold');
        return record;
      } catch (error) {
        await this.#abandon({ id, owned, start, error, clientSignal });
        this.#emitCreated(startedAt, 'failed');
        throw start.signal.aborted ? start.signal.reason : error;
      }
    } finally {
      this.#starting.delete(id);
      start.finish();
    }
  }

  /** @throws {AppError} SESSION_NOT_FOUND */
  async get(id: string): Promise<SessionRecord> {
    const record = await this.#deps.sessions.find(id);
    if (record === undefined) throw new AppError('SESSION_NOT_FOUND', `There is no session ${id}`);
    return record;
  }

  /** What this process holds of a session, if it is live here. */
  findLive(id: string): LiveSession | undefined {
    return this.#live.get(id);
  }

  async list(filter: SessionFilter): Promise<SessionRecord[]> {
    return this.#deps.sessions.list(filter);
  }

  /** Part of a session's history: the events after the event `after`. @throws {AppError} SESSION_NOT_FOUND */
  async listEvents(id: string, page: { after: number; limit: number }): Promise<SessionEvent[]> {
    const events = await this.#deps.sessions.listEvents(id, page);
    if (events.length === 0) await this.get(id);
    return events;
  }

  /** A live session, to be used now. @throws {AppError} SESSION_NOT_FOUND, SESSION_NOT_READY, SESSION_ENDED */
  async use(id: string): Promise<LiveSession> {
    const live = this.#live.get(id);
    if (live === undefined) throw await this.#whyNotLive(id);
    live.touch();
    if (live.state === 'IDLE') await this.move(live, 'wake', { reason: 'used again' });
    return live;
  }

  /** Runs something on the session's page. @throws {AppError} as `withBrowser`, and what `run` throws */
  async withPage<Value>(id: string, signal: AbortSignal, run: (page: Page) => Promise<Value>): Promise<Value> {
    return this.withBrowser(id, async (browser) => run(await browser.page(signal)));
  }

  /**
   * Runs something on the session's browser. The session counts as used until it is done.
   *
   * @throws {AppError} as `use`; PAGE_OPERATION_FAILED, OPERATION_TIMED_OUT; and what `run` throws
   */
  async withBrowser<Value>(id: string, run: (browser: Browser) => Promise<Value>): Promise<Value> {
    const live = await this.use(id);
    using _operation = live.beginOperation();
    try {
      return await run(live.browser);
    } catch (error) {
      if (isTimeout(error)) throw new AppError('OPERATION_TIMED_OUT', 'The browser did not answer', { cause: error });
      if (!(error instanceof CdpClosedError)) throw error;
      await Promise.race([live.browser.gone, sleep(CRASH_NEWS_MS)]);
      if (this.#live.get(id) !== live) throw await this.#whyNotLive(id);
      throw new AppError('PAGE_OPERATION_FAILED', 'The page was closed while it was used', { cause: error });
    }
  }

  /** Counts as use of the session. @throws {AppError} as `use` */
  async keepAlive(id: string): Promise<SessionRecord> {
    await this.use(id);
    return this.get(id);
  }

  /** Changes time-outs and metadata. @throws {AppError} SESSION_NOT_FOUND, SESSION_ENDED */
  async update(id: string, changes: UpdateSession): Promise<SessionRecord> {
    const record = await this.#deps.sessions.update(id, changes);
    if (record === undefined) throw await this.#whyNotLive(id);
    this.#deps.events.emit('eventRecorded', { sessionId: id });
    const live = this.#live.get(id);
    if (live !== undefined) {
      live.timeoutMs = record.timeoutMs;
      live.maxLifetimeMs = record.maxLifetimeMs;
      live.touch();
    }
    return record;
  }

  /**
   * Ends a session and resolves when nothing of it is left. Ending one that has ended changes nothing.
   *
   * @throws {AppError} SESSION_NOT_FOUND; DEPENDENCY_UNAVAILABLE when the end could not be recorded yet
   */
  async end(id: string, closeReason: CloseReason): Promise<SessionRecord> {
    await this.#endHere(id, closeReason);
    const record = await this.get(id);
    if (isTerminal(record.state)) return record;
    throw new AppError('DEPENDENCY_UNAVAILABLE', 'The browser is gone, but its end could not be recorded yet');
  }

  /** Ends all sessions of this process, also those that are starting. Never rejects. */
  async endAll(closeReason: CloseReason): Promise<void> {
    const ids = new Set([...this.#starting.keys(), ...this.#live.keys(), ...this.#ending.keys()]);
    await Promise.all([...ids].map((id) => this.#endHere(id, closeReason)));
  }

  /**
   * Closes the rows of this node that belong to nobody: those a predecessor left behind, and those whose end the
   * database did not take when it came. Returns how many.
   */
  async closeUnowned(): Promise<number> {
    const ids = await this.#deps.sessions.listLiveIds();
    const isOwned = (id: string): boolean => this.#starting.has(id) || this.#live.has(id) || this.#ending.has(id);
    const unowned = ids.filter((id) => !isOwned(id));
    for (const id of unowned) {
      const closeReason = this.#unrecorded.get(id) ?? 'node_lost';
      await this.#record(id, 'lose', { reason: 'nothing of it was left', closeReason });
      this.#unrecorded.delete(id);
    }
    return unowned.length;
  }

  /** One look at every live session: begins to end those past a limit, and moves others between ACTIVE and IDLE. */
  async checkLimits(): Promise<void> {
    const moves = this.live.map(async (live) => {
      const limit = live.reachedLimit();
      if (limit !== undefined) {
        this.#startClosing(live, limit);
        return;
      }
      const isIdle = live.idleMs() >= Math.min(IDLE_AFTER_MS, live.timeoutMs / 2);
      const { lastActivityAt } = live;
      if (isIdle && live.state === 'ACTIVE') await this.move(live, 'rest', { reason: 'not used', lastActivityAt });
      if (!isIdle && live.state === 'IDLE') await this.move(live, 'wake', { reason: 'used again' });
    });
    throwFailures(await Promise.allSettled(moves), 'Sessions could not be checked');
  }

  async #start(
    id: string,
    { input, spec, owned }: { input: CreateSession; spec: BrowserSpec; owned: AsyncDisposableStack },
    signal: AbortSignal,
  ): Promise<{ record: SessionRecord; isWarm: boolean }> {
    const { browser, isWarm } = await this.#deps.pool.acquire(spec, signal);
    owned.use(browser);
    const { port: cdpPort } = owned.use(await this.#deps.openPort(id, browser));
    const { userAgent, version: browserVersion } = browser;
    const { timezone = null, locale = null, viewport } = spec;
    const identity = { userAgent, browserVersion, timezone, locale, viewport };
    const record = await this.#record(id, 'ready', { reason: 'browser ready', cdpPort, identity });
    if (record === undefined) throw await this.#whyNotLive(id);
    // Whoever broke the start off while its row was written found nothing to end but this.
    signal.throwIfAborted();

    const { createdAt, timeoutMs, maxLifetimeMs } = record;
    const live = new LiveSession({ id, browser, cdpPort, createdAt, timeoutMs, maxLifetimeMs, owned: owned.move() });
    this.#live.set(id, live);
    void browser.gone.then(() => this.#onBrowserGone(live));
    if (input.startUrl !== undefined) void this.#openStartUrl(live, input.startUrl);
    return { record, isWarm };
  }

  /** Sends the browser on its way after the answer: a slow page must not make a slow create. Never rejects. */
  async #openStartUrl(live: LiveSession, url: string): Promise<void> {
    const signal = AbortSignal.timeout(live.timeoutMs);
    try {
      const page = await live.browser.page(signal);
      await page.navigate({ url, waitUntil: 'commit' }, signal);
    } catch (error) {
      this.#deps.logger.info({ err: error, sessionId: live.id }, 'start url could not be opened');
    }
  }

  /** Undoes a start that failed: first the browser, then the row, as CLOSED means that nothing is left. */
  async #abandon(failed: {
    id: string;
    owned: AsyncDisposableStack;
    start: SessionStart;
    error: unknown;
    clientSignal: AbortSignal;
  }): Promise<void> {
    const { id, owned, start, error, clientSignal } = failed;
    const closeReason = start.closeReason ?? (clientSignal.aborted ? 'client_disconnected' : 'start_failed');
    const message = error instanceof AppError ? error.message : 'Internal error';
    this.#unrecorded.set(id, closeReason);
    const results = await Promise.allSettled([owned.disposeAsync()]);
    results.push(
      ...(await Promise.allSettled([
        this.#record(id, 'lose', { reason: closeReason, closeReason, error: message }).then(() => {
          this.#unrecorded.delete(id);
        }),
      ])),
    );
    for (const result of results) {
      if (result.status === 'fulfilled') continue;
      this.#deps.logger.error({ err: result.reason, sessionId: id }, 'failed start could not be undone');
    }
  }

  #onBrowserGone(live: LiveSession): void {
    // We take a session out of the map before we end it, so one still there lost its browser by itself.
    if (this.#live.get(live.id) !== live) return;
    this.#deps.logger.warn({ sessionId: live.id, pid: live.browser.pid }, 'browser crashed');
    const closeReason = 'browser_crashed';
    this.#startEnding(live, closeReason, async () => {
      const lost = this.move(live, 'lose', { reason: 'the browser process ended', closeReason });
      throwFailures(await Promise.allSettled([lost, live.release()]), 'A crashed session did not end cleanly');
    });
  }

  /** Ends what this process holds of a session. Never rejects. */
  async #endHere(id: string, closeReason: CloseReason): Promise<void> {
    const start = this.#starting.get(id);
    start?.breakOff(closeReason);
    await start?.finished;
    const live = this.#live.get(id);
    if (live !== undefined) this.#startClosing(live, closeReason);
    await this.#ending.get(id);
  }

  #startClosing(live: LiveSession, closeReason: CloseReason): void {
    this.#startEnding(live, closeReason, async () => {
      const { lastActivityAt } = live;
      const closing = this.move(live, 'close', { reason: closeReason, closeReason, lastActivityAt });
      throwFailures(await Promise.allSettled([closing, live.release()]), 'A session did not end cleanly');
      await this.move(live, 'closed', { reason: 'nothing is left of the browser' });
    });
  }

  /** Takes a session out of use, tells its clients, and remembers its end until it is written. */
  #startEnding(live: LiveSession, closeReason: CloseReason, run: () => Promise<void>): void {
    const { id } = live;
    this.#live.delete(id);
    this.#unrecorded.set(id, closeReason);
    live.closeClients(closeReason);
    const ending = run()
      .then(
        () => this.#unrecorded.delete(id),
        (error: unknown) => this.#deps.logger.error({ err: error, sessionId: id }, 'session did not end cleanly'),
      )
      .then(() => {
        this.#ending.delete(id);
      });
    this.#ending.set(id, ending);
  }

  /** Moves a live session along the state machine; where the move is not allowed any more, nothing happens. */
  async move(live: LiveSession, trigger: SessionTrigger, details: MoveDetails): Promise<void> {
    const record = await this.#record(live.id, trigger, details);
    if (record !== undefined) live.state = record.state;
  }

  /** Moves a row and tells those who watch. */
  async #record(id: string, trigger: SessionTrigger, details: MoveDetails): Promise<SessionRecord | undefined> {
    const record = await this.#deps.sessions.move(id, trigger, details);
    if (record === undefined) return undefined;
    const { state, closeReason } = record;
    this.#deps.events.emit('stateChanged', { sessionId: id, state, closeReason });
    this.#deps.events.emit('eventRecorded', { sessionId: id });
    return record;
  }

  async #whyNotLive(id: string): Promise<AppError> {
    await this.#ending.get(id);
    const { state, closeReason } = await this.get(id);
    if (isTerminal(state) || state === 'CLOSING') {
      return new AppError('SESSION_ENDED', `Session ${id} has ended: ${closeReason ?? 'closing'}`, {
        extensions: { closeReason: closeReason ?? 'requested' },
      });
    }
    return new AppError('SESSION_NOT_READY', `Session ${id} is ${state} and cannot be used now`, {
      extensions: { state },
    });
  }

  #emitCreated(startedAt: number, outcome: SessionEvents['created']['outcome']): void {
    this.#deps.events.emit('created', { durationMs: performance.now() - startedAt, outcome });
  }
}
