import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import {
  type CloseReason,
  type CreateSession,
  SESSION_DEFAULTS,
  type SessionEvent,
  type UpdateSession,
} from '@guise/contract';

import { type Browser, type BrowserSpec, CdpClosedError, type Page } from '../../browser/index.ts';
import { AppError } from '../../lib/app-error.ts';
import type { TypedEmitter } from '../../lib/typed-emitter.ts';
import type { Logger } from '../../platform/logger/logger.ts';
import type { Admission, WarmPool } from '../pool/index.ts';
import { toBrowserSpec } from './create-options.ts';
import { LiveSession } from './live-session.ts';
import type { SessionEvents } from './session-events.ts';
import type { SessionRecord } from './session-record.ts';
import type { MoveDetails, SessionFilter, SessionRepository } from './session-repository.ts';
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

/** A create under way, which a delete may break off. */
interface Start {
  readonly abort: AbortController;
  readonly finished: Promise<void>;
}

/**
 * Use cases over sessions.
 *
 * The row is the truth about a session's state; the maps here only say what this process holds. A session is taken
 * out of `#live` before its end is waited for, so whoever still finds it there may use it.
 */
export class SessionService {
  readonly #deps: SessionServiceDeps;
  readonly #starting = new Map<string, Start>();
  readonly #live = new Map<string, LiveSession>();
  readonly #ending = new Map<string, Promise<void>>();

  constructor(deps: SessionServiceDeps) {
    this.#deps = deps;
  }

  get liveCount(): number {
    return this.#live.size;
  }

  /** Clients connected to all sessions of this process. */
  get clientCount(): number {
    return this.#live.values().reduce((sum, live) => sum + live.clientCount, 0);
  }

  /**
   * Creates a session and waits until its browser can be used.
   *
   * @throws {AppError} VALIDATION_FAILED, OPTION_NOT_AVAILABLE, CAPACITY_EXHAUSTED, SHUTTING_DOWN before anything is
   *   recorded; BROWSER_LAUNCH_FAILED, SESSION_ENDED afterwards, the session then being CLOSED and nothing left of it
   */
  async create(input: CreateSession, signal: AbortSignal): Promise<SessionRecord> {
    const startedAt = performance.now();
    const spec = await toBrowserSpec(input, this.#deps.extensionsDir);
    await using owned = new AsyncDisposableStack();
    owned.use(await this.#deps.admission.acquire(signal));
    const { id } = await this.#insert(input);

    const abort = new AbortController();
    const finished = Promise.withResolvers<void>();
    this.#starting.set(id, { abort, finished: finished.promise });
    try {
      const { record, isWarm } = await this.#start(id, { input, spec, owned }, AbortSignal.any([signal, abort.signal]));
      this.#emitCreated(startedAt, isWarm ? 'warm' : 'cold');
      return record;
    } catch (error) {
      // First the browser, then the row: CLOSED must mean that nothing is left.
      await owned.disposeAsync();
      await this.#recordFailedStart(id, error, signal);
      this.#emitCreated(startedAt, 'failed');
      throw error;
    } finally {
      this.#starting.delete(id);
      finished.resolve();
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

  /** @throws {AppError} SESSION_NOT_FOUND */
  async listEvents(id: string): Promise<SessionEvent[]> {
    const events = await this.#deps.sessions.listEvents(id);
    if (events.length === 0) await this.get(id);
    return events;
  }

  /** A live session, to be used now. @throws {AppError} SESSION_NOT_FOUND, SESSION_NOT_READY, SESSION_ENDED */
  async use(id: string): Promise<LiveSession> {
    const live = this.#live.get(id);
    if (live === undefined) throw await this.#whyNotLive(id);
    live.touch();
    if (live.state === 'IDLE') await this.#move(live, 'wake', { reason: 'used again' });
    return live;
  }

  /** Runs something on the session's page. @throws {AppError} as `use`, PAGE_OPERATION_FAILED, and what `run` throws */
  async withPage<Value>(id: string, signal: AbortSignal, run: (page: Page) => Promise<Value>): Promise<Value> {
    return this.withBrowser(id, async (browser) => run(await browser.page(signal)));
  }

  /** Runs something on the session's browser. @throws {AppError} as `withPage` */
  async withBrowser<Value>(id: string, run: (browser: Browser) => Promise<Value>): Promise<Value> {
    const live = await this.use(id);
    try {
      return await run(live.browser);
    } catch (error) {
      if (!(error instanceof CdpClosedError)) throw error;
      await Promise.race([live.browser.gone, sleep(CRASH_NEWS_MS)]);
      if (this.#live.get(id) !== live) throw await this.#whyNotLive(id);
      throw new AppError('PAGE_OPERATION_FAILED', 'The page was closed while it was used', { cause: error });
    } finally {
      live.touch();
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
   * @throws {AppError} SESSION_NOT_FOUND
   */
  async end(id: string, closeReason: CloseReason): Promise<SessionRecord> {
    const live = this.#live.get(id);
    if (live !== undefined) this.#startEnding(live, this.#close(live, closeReason));
    const start = this.#starting.get(id);
    if (start !== undefined) {
      await this.#deps.sessions.move(id, 'close', { reason: closeReason, closeReason });
      start.abort.abort(new AppError('SESSION_ENDED', `Session ${id} was ended while it started`));
      await start.finished;
    }
    await this.#ending.get(id);
    return this.get(id);
  }

  /** Ends all sessions of this process, also those that are starting. Never rejects for a single one. */
  async endAll(closeReason: CloseReason): Promise<void> {
    const ids = [...this.#starting.keys(), ...this.#live.keys()];
    const results = await Promise.allSettled(ids.map((id) => this.end(id, closeReason)));
    await Promise.allSettled(this.#ending.values());
    for (const result of results) {
      if (result.status === 'rejected') this.#deps.logger.error({ err: result.reason }, 'session could not be ended');
    }
  }

  /** Closes the rows of sessions a predecessor of this process left behind. For the start, before any create. */
  async closeLeftBehind(): Promise<number> {
    const ids = await this.#deps.sessions.listLiveIds();
    for (const id of ids) {
      await this.#deps.sessions.move(id, 'lose', { reason: 'the service was restarted', closeReason: 'node_lost' });
    }
    return ids.length;
  }

  /** One look at every live session: ends those past a limit, and moves the others between ACTIVE and IDLE. */
  async checkLimits(): Promise<void> {
    const checks = [...this.#live.values()].map(async (live) => {
      const limit = live.reachedLimit();
      if (limit !== undefined) return this.end(live.id, limit);
      const isIdle = live.idleMs() >= Math.min(IDLE_AFTER_MS, live.timeoutMs / 2);
      if (isIdle && live.state === 'ACTIVE')
        return this.#move(live, 'rest', { reason: 'not used', lastActivityAt: live.lastActivityAt });
      if (!isIdle && live.state === 'IDLE') return this.#move(live, 'wake', { reason: 'used again' });
      return undefined;
    });
    const results = await Promise.allSettled(checks);
    const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    if (failures.length > 0) throw new AggregateError(failures, `${failures.length} sessions could not be checked`);
  }

  async #insert(input: CreateSession): Promise<SessionRecord> {
    const { metadata = {}, ...options } = input;
    return this.#deps.sessions.insert({
      id: randomUUID(),
      headless: input.headless ?? SESSION_DEFAULTS.headless,
      stealthLevel: input.stealthLevel ?? SESSION_DEFAULTS.stealthLevel,
      // A proxy may carry credentials.
      options: { ...options, proxy: undefined },
      metadata,
      timeoutMs: input.timeoutMs ?? this.#deps.defaultTimeoutMs,
      maxLifetimeMs: input.maxLifetimeMs ?? null,
    });
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
    const record = await this.#deps.sessions.move(id, 'ready', { reason: 'browser ready', cdpPort, identity });
    if (record === undefined) throw await this.#whyNotLive(id);

    const { createdAt, timeoutMs, maxLifetimeMs } = record;
    const live = new LiveSession({ id, browser, cdpPort, createdAt, timeoutMs, maxLifetimeMs, owned: owned.move() });
    this.#live.set(id, live);
    void browser.gone.then(() => this.#onBrowserGone(live));
    this.#emitState(record);
    if (input.startUrl !== undefined) void this.#openStartUrl(live, input.startUrl);
    return { record, isWarm };
  }

  /** Sends the browser on its way after the answer: a slow page must not make a slow create. Never rejects. */
  async #openStartUrl(live: LiveSession, url: string): Promise<void> {
    try {
      const page = await live.browser.page(AbortSignal.timeout(live.timeoutMs));
      await page.navigate({ url, waitUntil: 'commit' }, AbortSignal.timeout(live.timeoutMs));
    } catch (error) {
      this.#deps.logger.info({ err: error, sessionId: live.id }, 'start url could not be opened');
    }
  }

  async #recordFailedStart(id: string, error: unknown, clientSignal: AbortSignal): Promise<void> {
    const details = clientSignal.aborted
      ? { reason: 'the client went away', closeReason: 'client_disconnected' as const }
      : { reason: 'the browser did not start', closeReason: 'start_failed' as const, error: describe(error) };
    const record = await this.#deps.sessions.move(id, 'lose', details);
    if (record !== undefined) this.#emitState(record);
  }

  #onBrowserGone(live: LiveSession): void {
    // We take a session out of the map before we end it, so one still there lost its browser by itself.
    if (this.#live.get(live.id) !== live) return;
    this.#deps.logger.warn({ sessionId: live.id, pid: live.browser.pid }, 'browser crashed');
    const details = { reason: 'the browser process ended', closeReason: 'browser_crashed' } as const;
    this.#startEnding(live, this.#finish(live, details.closeReason, this.#move(live, 'lose', details)));
  }

  async #close(live: LiveSession, closeReason: CloseReason): Promise<void> {
    const { lastActivityAt } = live;
    const closing = this.#move(live, 'close', { reason: closeReason, closeReason, lastActivityAt });
    await this.#finish(live, closeReason, closing);
    await this.#move(live, 'closed', { reason: 'nothing is left of the browser' });
  }

  /** Ends a session's clients and browser while its row is being moved. */
  async #finish(live: LiveSession, closeReason: CloseReason, recorded: Promise<void>): Promise<void> {
    live.closeClients(closeReason);
    const results = await Promise.allSettled([live.release(), recorded]);
    const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    if (failures.length > 0) throw new AggregateError(failures, `Session ${live.id} did not end cleanly`);
  }

  #startEnding(live: LiveSession, ending: Promise<void>): void {
    this.#live.delete(live.id);
    const settled = ending
      .catch((error: unknown) =>
        this.#deps.logger.error({ err: error, sessionId: live.id }, 'session did not end cleanly'),
      )
      .finally(() => this.#ending.delete(live.id));
    this.#ending.set(live.id, settled);
  }

  async #move(live: LiveSession, trigger: SessionTrigger, details: MoveDetails): Promise<void> {
    const record = await this.#deps.sessions.move(live.id, trigger, details);
    if (record === undefined) return;
    live.state = record.state;
    this.#emitState(record);
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

  #emitState({ id, state, closeReason }: SessionRecord): void {
    this.#deps.events.emit('stateChanged', { sessionId: id, state, closeReason });
  }

  #emitCreated(startedAt: number, outcome: SessionEvents['created']['outcome']): void {
    this.#deps.events.emit('created', { durationMs: performance.now() - startedAt, outcome });
  }
}

function describe(error: unknown): string {
  return error instanceof AppError ? error.message : 'Internal error';
}
