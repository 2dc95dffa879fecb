import { setTimeout as sleep } from 'node:timers/promises';

import type { CloseReason, CreateSession, SessionEvent, SessionEventType, UpdateSession } from '@guise/contract';

import { type Browser, CdpClosedError, type OwnedBrowser, type Page } from '../../browser/index.ts';
import { AppError } from '../../lib/app-error.ts';
import { isTimeout } from '../../lib/deadline.ts';
import type { SessionPlaces } from '../pool/index.ts';
import { toBytes } from './create-options.ts';
import { CheckpointKeeper } from './checkpoints/checkpoint-keeper.ts';
import type { SessionCheckpoints } from './checkpoints/session-checkpoints.ts';
import { type SendElsewhere, SessionReviver } from './checkpoints/session-reviver.ts';
import { changesEgress } from './egress-options.ts';
import { drainSessions } from './drain-sessions.ts';
import { limitsOf, type LiveSession } from './live-session.ts';
import { SessionAdopter } from './session-adopter.ts';
import { SessionEnder } from './session-ender.ts';
import type { SessionEgress } from './session-egress.ts';
import { SessionJournal } from './session-journal.ts';
import { SessionLauncher } from './session-launcher.ts';
import { SessionLimitKeeper } from './session-limit-keeper.ts';
import type { SessionRecord } from './session-record.ts';
import { SessionRecycler } from './session-recycler.ts';
import { SessionRegistry } from './session-registry.ts';
import type { EventDetails, MoveDetails, SessionFilter, SessionRepository } from './session-repository.ts';
import { type CreatingCaller, SessionStarter, type SessionStarterDeps } from './session-starter.ts';
import { isTerminal, type SessionTrigger } from './session-state.ts';

/** How long a page that is gone may be ahead of the news that its browser is gone. Milliseconds. */
const CRASH_NEWS_MS = 200;
/** How long a browser may take to be told of another way out. */
const CHANGE_TIMEOUT_MS = 5_000;

export interface SessionServiceDeps extends SessionStarterDeps {
  readonly sessions: SessionRepository;
  readonly admission: SessionPlaces;
  readonly nodeId: string;
  /** Ends a session that another node has; nothing happens where none has it. */
  readonly endElsewhere?: ((id: string) => Promise<void>) | undefined;
  readonly checkpoints: SessionCheckpoints;
  /** See `SessionReviver`; undefined where there are no other nodes. */
  readonly sendElsewhere?: SendElsewhere | undefined;
  /** Ends a browser and starts another with what it had: its user-data directory and its open pages. */
  readonly relaunch: (old: Browser, signal: AbortSignal) => Promise<Browser>;
  /** Connects to a browser that a service which was killed left running. */
  readonly adopt: (owned: OwnedBrowser, signal: AbortSignal) => Promise<Browser>;
}

/** Holds a session to another way out, also after a crash of this service. */
async function changeEgress(live: LiveSession, plan: SessionEgress): Promise<void> {
  await live.egress.adopt(plan, AbortSignal.timeout(CHANGE_TIMEOUT_MS));
  await live.noteOwner();
}

/** Use cases over sessions: the one door for routes, gateway and loops. */
export class SessionService {
  readonly #deps: SessionServiceDeps;
  readonly #registry = new SessionRegistry();
  readonly #journal: SessionJournal;
  readonly #ender: SessionEnder;
  readonly #starter: SessionStarter;
  readonly #limits: SessionLimitKeeper;
  readonly #keeper: CheckpointKeeper;
  readonly #reviver: SessionReviver;

  constructor(deps: SessionServiceDeps) {
    this.#deps = deps;
    const { logger, relaunch } = deps;
    const registry = this.#registry;
    const journal = new SessionJournal(deps.sessions, deps.events);
    const ender = new SessionEnder({ registry, journal, logger, endElsewhere: deps.endElsewhere });
    const recycler = new SessionRecycler({ journal, ender, relaunch, logger });
    this.#journal = journal;
    this.#ender = ender;
    const launcher = new SessionLauncher(deps, { registry, journal, ender });
    this.#starter = new SessionStarter(deps, { registry, journal, ender, launcher });
    this.#keeper = new CheckpointKeeper({ checkpoints: deps.checkpoints, journal, logger });
    const sendElsewhere = deps.sendElsewhere;
    this.#reviver = new SessionReviver({ ...deps, registry, journal, launcher, keeper: this.#keeper, sendElsewhere });
    this.#limits = new SessionLimitKeeper({ registry, journal, ender, recycler });
  }

  /**
   * Takes over the sessions whose browsers a service which was killed left running: the same ids, pages and addresses. Those
   * that do not answer soon are taken over later, if they do. Returns the browsers that are a session's or may become one's;
   * the caller ends the others. To be called before anything else is started.
   */
  async adopt(found: readonly OwnedBrowser[]): Promise<OwnedBrowser[]> {
    return new SessionAdopter({
      ...this.#deps,
      registry: this.#registry,
      journal: this.#journal,
      ender: this.#ender,
    }).adoptAll(found);
  }

  /** The sessions that can be used now. */
  get live(): readonly LiveSession[] {
    return [...this.#registry.live.values()];
  }

  /** Clients connected to all sessions of this process. */
  get clientCount(): number {
    return this.live.reduce((sum, live) => sum + live.clientCount, 0);
  }

  /**
   * Creates a session and waits until its browser can be used. Its id is the caller's `sessionId`, where it has its place under that already.
   *
   * @throws {AppError} VALIDATION_FAILED, OPTION_NOT_AVAILABLE, QUOTA_EXCEEDED, CAPACITY_EXHAUSTED, SHUTTING_DOWN before anything is
   *   recorded; BROWSER_LAUNCH_FAILED, SESSION_ENDED afterwards, the session then being CLOSED and nothing left of it
   */
  async create(input: CreateSession, caller: CreatingCaller): Promise<SessionRecord> {
    return this.#starter.create(input, caller);
  }

  /** @throws {AppError} SESSION_NOT_FOUND */
  async get(id: string): Promise<SessionRecord> {
    const record = await this.#deps.sessions.find(id);
    if (record === undefined) throw new AppError('SESSION_NOT_FOUND', `There is no session ${id}`);
    return record;
  }

  /** What this process holds of a session, if it is live here. */
  findLive(id: string): LiveSession | undefined {
    return this.#registry.live.get(id);
  }

  /** Whether this process holds anything of a session, also of one that is starting or ending. */
  isHere(id: string): boolean {
    return this.#registry.isOwned(id);
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

  /**
   * A live session, to be used now. One whose browser is being started anew is waited for.
   *
   * @throws {AppError} SESSION_NOT_FOUND, SESSION_NOT_READY, SESSION_ENDED
   */
  async use(id: string): Promise<LiveSession> {
    const live = this.#registry.live.get(id);
    if (live === undefined) throw await this.#whyNotLive(id);
    live.touch();
    if (live.isRestarting) {
      await live.browserSettled;
      return this.use(id);
    }
    if (live.state === 'IDLE') await this.move(live, 'wake', { reason: 'used again' });
    return live;
  }

  /** Runs something on the session's page. @throws {AppError} as `withBrowser`, and what `run` throws */
  async withPage<Value>(id: string, signal: AbortSignal, run: (page: Page) => Promise<Value>): Promise<Value> {
    return this.withBrowser(id, async (browser) => run(await browser.page(signal)));
  }

  /**
   * Runs something on the session's browser, which is one request to it. The session counts as used until it is done.
   *
   * @throws {AppError} as `use`; PAGE_OPERATION_FAILED, OPERATION_TIMED_OUT; and what `run` throws
   */
  async withBrowser<Value>(id: string, run: (browser: Browser) => Promise<Value>): Promise<Value> {
    const live = await this.use(id);
    using _operation = live.beginOperation();
    live.countRequest();
    try {
      return await run(live.browser);
    } catch (error) {
      if (isTimeout(error)) throw new AppError('OPERATION_TIMED_OUT', 'The browser did not answer', { cause: error });
      if (!(error instanceof CdpClosedError)) throw error;
      await Promise.race([live.browser.gone, sleep(CRASH_NEWS_MS)]);
      if (this.#registry.live.get(id) !== live) throw await this.#whyNotLive(id);
      throw new AppError('PAGE_OPERATION_FAILED', 'The page was closed while it was used', { cause: error });
    }
  }

  /** Counts as use of the session. @throws {AppError} as `use` */
  async keepAlive(id: string): Promise<SessionRecord> {
    await this.use(id);
    return this.get(id);
  }

  /**
   * Changes limits, metadata and the way out, which is in force with the answer. `scope`: whose proxies can be named; undefined: all.
   *
   * @throws {AppError} SESSION_NOT_FOUND, SESSION_ENDED, PROXY_NOT_FOUND, VALIDATION_FAILED
   */
  async update(id: string, { memoryLimitMb, ...changes }: UpdateSession, scope?: string): Promise<SessionRecord> {
    const memoryLimitBytes = memoryLimitMb === undefined ? undefined : toBytes(memoryLimitMb);
    const plan = changesEgress(changes) ? await (await this.#held(id)).egress.planChanges(changes, scope) : undefined;
    const record = await this.#deps.sessions.update(id, { ...changes, memoryLimitBytes, egress: plan?.stored });
    if (record === undefined) throw await this.#whyNotLive(id);
    this.#deps.events.emit('eventRecorded', { sessionId: id });
    const live = this.#registry.live.get(id);
    if (live !== undefined) {
      live.limits = limitsOf(record);
      if (plan !== undefined) await changeEgress(live, plan);
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
    await this.#ender.end(id, closeReason);
    const record = await this.get(id);
    if (isTerminal(record.state)) return record;
    throw new AppError('DEPENDENCY_UNAVAILABLE', 'The browser is gone, but its end could not be recorded yet');
  }

  /**
   * Tells all sessions that this process is about to stop and waits for them to end by themselves, `timeoutMs` at most; what has
   * not ended then is handed over to another node, where it has checkpoints and there is one, and otherwise ended. Never rejects.
   */
  async drain(timeoutMs: number, signal: AbortSignal): Promise<void> {
    const { logger } = this.#deps;
    await drainSessions({ registry: this.#registry, journal: this.#journal, logger }, timeoutMs, signal);
    if (this.#deps.sendElsewhere !== undefined) {
      await Promise.all(this.live.filter(({ checkpoint }) => checkpoint).map((live) => this.#reviver.handOver(live)));
    }
    await this.endAll('node_drained');
  }

  /** Ends all sessions of this process, also those that are starting. Never rejects. */
  async endAll(closeReason: CloseReason): Promise<void> {
    await Promise.all([...this.#registry.ids].map((id) => this.#ender.end(id, closeReason)));
  }

  /**
   * Closes the rows of this node that belong to nobody: those a predecessor left behind, and those whose end the
   * database did not take when it came. Those a predecessor has left a checkpoint of are started anew. The locks of profiles whose sessions are
   * gone are freed. Returns how many rows.
   */
  async closeUnowned(): Promise<number> {
    const ids = await this.#deps.sessions.listLiveIds();
    const { unrecorded } = this.#registry;
    const unowned = ids.filter((id) => !this.#registry.isOwned(id));
    const saved = await this.#deps.checkpoints.listSaved(unowned.filter((id) => !unrecorded.has(id)));
    for (const id of unowned) {
      if (saved.has(id)) {
        await this.#reviver.revive(id, this.#deps.nodeId);
        continue;
      }
      const closeReason = unrecorded.get(id) ?? 'node_lost';
      await this.#journal.move(id, 'lose', { reason: 'nothing of it was left', closeReason });
      unrecorded.delete(id);
    }
    await this.#deps.profiles.freeLocks(this.#registry.ids);
    return unowned.length;
  }

  /** Closes rows of sessions whose node was lost, and tells those who watch; goes on here or elsewhere with those that have checkpoints. */
  async closeLost(nodeId: string, ids: readonly string[]): Promise<void> {
    const saved = await this.#deps.checkpoints.listSaved(ids);
    const lost = new SessionJournal(this.#deps.sessions.as(nodeId), this.#deps.events);
    for (const id of ids) {
      if (saved.has(id)) await this.#reviver.revive(id, nodeId);
      else await lost.move(id, 'lose', { reason: 'its node was lost', closeReason: 'node_lost' });
    }
  }

  /** Goes on with a session that has its place here, for another node. @throws {AppError} SESSION_ENDED where it has ended meanwhile */
  async revive(id: string, fromNodeId: string): Promise<void> {
    if (await this.#reviver.revive(id, fromNodeId)) return;
    if (!this.isHere(id)) throw await this.#whyNotLive(id);
  }

  /** Takes the checkpoints of all live sessions that want any. Never rejects. */
  async takeCheckpoints(signal: AbortSignal): Promise<void> {
    await this.#keeper.saveAll(this.live, signal);
  }

  /** One look at every live session's limits: begins to end or recycle those past one. */
  async checkLimits(): Promise<void> {
    await this.#limits.checkAll();
  }

  /** Moves a live session along the state machine; where the move is not allowed any more, nothing happens. */
  async move(live: LiveSession, trigger: SessionTrigger, details: MoveDetails): Promise<void> {
    await this.#journal.moveLive(live, trigger, details);
  }

  /** Adds an event that is no move to a session's history, and tells those who watch. */
  async note(id: string, type: SessionEventType, details: EventDetails): Promise<void> {
    await this.#journal.note(id, type, details);
  }

  async #held(id: string): Promise<LiveSession> {
    const live = this.#registry.live.get(id);
    if (live === undefined) throw await this.#whyNotLive(id);
    return live;
  }

  async #whyNotLive(id: string): Promise<AppError> {
    await this.#registry.ending.get(id);
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
}
