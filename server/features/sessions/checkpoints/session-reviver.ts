import { setTimeout as sleep } from 'node:timers/promises';

import type { CloseReason } from '@guise/contract';

import { emptyCheckpoint } from '../../../browser/index.ts';
import { AppError } from '../../../lib/app-error.ts';
import type { TypedEmitter } from '../../../lib/typed-emitter.ts';
import type { Logger } from '../../../platform/logger/logger.ts';
import { PROMISED_PRIORITY, type SessionPlaces } from '../../pool/index.ts';
import type { LiveSession } from '../live-session.ts';
import type { SessionEvents } from '../session-events.ts';
import type { SessionJournal } from '../session-journal.ts';
import type { SessionRecord } from '../session-record.ts';
import type { SessionRegistry } from '../session-registry.ts';
import type { SessionRepository } from '../session-repository.ts';
import { SessionStart } from '../session-start.ts';
import type { SessionLauncher } from '../session-launcher.ts';
import type { CheckpointKeeper } from './checkpoint-keeper.ts';
import type { SessionCheckpoints } from './session-checkpoints.ts';

/** How long a session may look for its place and its browser. Milliseconds. */
const PATIENCE_MS = 60_000;
/** The same where its node is about to stop: after that whoever finds it looks. Milliseconds. */
const HAND_OVER_PATIENCE_MS = 10_000;
/** Time another node has to start a session. Milliseconds. */
const ELSEWHERE_MS = 150_000;
const RETRY_MS = 1_000;
const LAST_SAVE_TIMEOUT_MS = 5_000;
/** What may be otherwise in a moment. */
const PASSING: ReadonlySet<string> = new Set(['DEPENDENCY_UNAVAILABLE', 'CAPACITY_EXHAUSTED', 'SHUTTING_DOWN']);

/** The node that had a session: it has given it up itself, or it is lost, and has it again once it has joined anew. */
type FormerNode = string | { readonly lostNodeId: string };

/** Whether `error` says that a session has its place on another node, which has gone on with it then. Rejects when that node could not. */
export type SendElsewhere = (
  error: unknown,
  placed: { readonly sessionId: string; readonly signal: AbortSignal },
) => Promise<boolean>;

interface SessionReviverDeps {
  readonly sessions: SessionRepository;
  readonly nodeId: string;
  readonly registry: SessionRegistry;
  readonly journal: SessionJournal;
  readonly launcher: Pick<SessionLauncher, 'restart'>;
  readonly admission: Pick<SessionPlaces, 'acquire'>;
  readonly checkpoints: SessionCheckpoints;
  readonly keeper: CheckpointKeeper;
  readonly sendElsewhere: SendElsewhere | undefined;
  readonly events: TypedEmitter<SessionEvents>;
  readonly logger: Logger;
}

/**
 * Goes on with sessions whose node has gone, from their last checkpoints: the same id, identity and way out, with cookies, storage and pages. A session
 * that finds no place, or does not start, is closed as lost.
 */
export class SessionReviver {
  readonly #deps: SessionReviverDeps;

  constructor(deps: SessionReviverDeps) {
    this.#deps = deps;
  }

  /**
   * Takes a session over from the node `from`, and resolves when that is done; starting it goes on after that. False where it was not that node's any
   * more, or has ended. @throws what the database fails with
   */
  async revive(id: string, from: FormerNode): Promise<boolean> {
    const { registry } = this.#deps;
    if (registry.isOwned(id)) return false;
    const start = this.#begin(id);
    try {
      const isTaken = await this.#take(id, from, 'its node was lost');
      if (isTaken) void this.#goOn(id, start);
      else this.#finish(id, start);
      return isTaken;
    } catch (error) {
      this.#finish(id, start);
      throw error;
    }
  }

  /**
   * Ends a live session here so that another node can go on with it, and waits a moment for one that does. Where there is none, whoever finds the
   * session does: another node, or the next start of this one. Never rejects.
   */
  async handOver(live: LiveSession): Promise<void> {
    const { registry, keeper, logger, nodeId, sendElsewhere } = this.#deps;
    const { id } = live;
    await keeper.save(live, AbortSignal.timeout(LAST_SAVE_TIMEOUT_MS));
    if (registry.live.get(id) !== live) return;
    const start = this.#begin(id);
    registry.live.delete(id);
    live.closeClients('browser_restarted');
    try {
      live.leaveProfile();
      await live.saveProfile().finally(() => live.release());
      await this.#take(id, nodeId, 'its node is shutting down');
      if (sendElsewhere !== undefined) await this.#place(id, start, HAND_OVER_PATIENCE_MS);
    } catch (error) {
      logger.warn({ err: error, sessionId: id }, 'session could not be handed over');
      if (start.closeReason !== undefined) await this.#lose(id, start.closeReason, error);
    } finally {
      this.#finish(id, start);
    }
  }

  #begin(id: string): SessionStart {
    const start = new SessionStart();
    this.#deps.registry.starting.set(id, start);
    return start;
  }

  #finish(id: string, start: SessionStart): void {
    this.#deps.registry.starting.delete(id);
    start.finish();
  }

  async #take(id: string, from: FormerNode, reason: string): Promise<boolean> {
    const { sessions, nodeId, events } = this.#deps;
    const former = typeof from === 'string' ? sessions.as(from) : sessions.asLost(from.lostNodeId);
    const record = await former.move(id, 'revive', { reason, nodeId, eventType: 'handedOver' });
    if (record === undefined) return false;
    events.emit('stateChanged', { sessionId: id, state: record.state, closeReason: null });
    events.emit('eventRecorded', { sessionId: id });
    return true;
  }

  /** Finds a place for a session that is ours, and starts it there. Never rejects. */
  async #goOn(id: string, start: SessionStart): Promise<void> {
    const { logger, events } = this.#deps;
    try {
      const isHere = await this.#place(id, start, PATIENCE_MS);
      if (isHere) events.emit('restored', { sessionId: id, outcome: 'restored' });
    } catch (error) {
      logger.warn({ err: error, sessionId: id }, 'session could not be restored');
      // This node stops: whoever finds the session goes on with it.
      if (start.closeReason === 'node_drained' || start.closeReason === 'shutdown') return;
      await this.#lose(id, start.closeReason ?? 'node_lost', error);
    } finally {
      this.#finish(id, start);
    }
  }

  /** Closes a session that nobody can go on with, if it is ours still. Never rejects. */
  async #lose(id: string, closeReason: CloseReason, cause: unknown): Promise<void> {
    const { registry, journal, logger, events } = this.#deps;
    registry.unrecorded.set(id, closeReason);
    const error = cause instanceof AppError ? cause.message : 'internal error';
    try {
      const lost = await journal.move(id, 'lose', { reason: 'it could not be restored', closeReason, error });
      registry.unrecorded.delete(id);
      if (lost !== undefined) events.emit('restored', { sessionId: id, outcome: 'lost' });
    } catch (failure) {
      // `closeUnowned` does it when the database is back.
      logger.error({ err: failure, sessionId: id }, 'lost session could not be closed');
    }
  }

  /** Whether it was started here; otherwise another node has it. */
  async #place(id: string, start: SessionStart, patienceMs: number): Promise<boolean> {
    const { sendElsewhere } = this.#deps;
    const { signal } = start;
    const endsAt = performance.now() + patienceMs;
    for (;;) {
      let failure: unknown;
      try {
        return await this.#startHere(id, start);
      } catch (error) {
        failure = error;
      }
      if (signal.aborted) throw signal.reason;
      try {
        // A node that stands still would be waited for until it is declared lost.
        const deadline = AbortSignal.any([signal, AbortSignal.timeout(ELSEWHERE_MS)]);
        if ((await sendElsewhere?.(failure, { sessionId: id, signal: deadline })) === true) return false;
      } catch (error) {
        failure = error;
      }
      const isPassing = failure instanceof AppError && PASSING.has(failure.code);
      if (!isPassing || performance.now() > endsAt) throw failure;
      await sleep(RETRY_MS, undefined, { signal });
    }
  }

  /** Whether it was started here; false where another node has taken it before its answer was lost. @throws also where its place is elsewhere */
  async #startHere(id: string, start: SessionStart): Promise<boolean> {
    const { sessions, nodeId, admission } = this.#deps;
    await using owned = new AsyncDisposableStack();
    const place = owned.use(await admission.acquire({ sessionId: id, priority: PROMISED_PRIORITY }, start.signal));
    const record = await sessions.find(id);
    if (record?.nodeId !== nodeId) return false;
    await this.#start(record, { owned, start });
    place.browserRuns();
    return true;
  }

  async #start(
    record: SessionRecord,
    { owned, start }: { readonly owned: AsyncDisposableStack; readonly start: SessionStart },
  ): Promise<void> {
    const { sessions, checkpoints, launcher } = this.#deps;
    const { id } = record;
    const checkpoint = (await checkpoints.find(id)) ?? emptyCheckpoint();
    const options = (await sessions.findOptions(id)) ?? {};
    await launcher.restart({ record, options, checkpoint }, owned, start.signal);
  }
}
