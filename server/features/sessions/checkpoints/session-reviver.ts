import { emptyCheckpoint } from '../../../browser/index.ts';
import { AppError } from '../../../lib/app-error.ts';
import type { TypedEmitter } from '../../../lib/typed-emitter.ts';
import type { Logger } from '../../../platform/logger/logger.ts';
import type { SessionPlaces } from '../../pool/index.ts';
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

/** How long a session that is handed over may look for its place: its node is in a hurry. Milliseconds. */
const HAND_OVER_TIMEOUT_MS = 10_000;
/** Before all who ask for new sessions: this one was promised to somebody. */
const PRIORITY = 100;
/** Its place may be on a node that goes too before it could be told. */
const ATTEMPTS = 3;
const LAST_SAVE_TIMEOUT_MS = 5_000;

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
   * Takes a session over from `fromNodeId`, and resolves when that is done; starting it goes on after that. False where it was not that node's any
   * more, or has ended. @throws what the database fails with
   */
  async revive(id: string, fromNodeId: string): Promise<boolean> {
    const { registry } = this.#deps;
    if (registry.isOwned(id)) return false;
    const start = this.#begin(id);
    try {
      const isTaken = await this.#take(id, fromNodeId, 'its node was lost');
      if (isTaken) void this.#goOn(id, start);
      else this.#finish(id, start);
      return isTaken;
    } catch (error) {
      this.#finish(id, start);
      throw error;
    }
  }

  /** Ends a live session here so that another node can go on with it. False where none can: it is closed then. Never rejects. */
  async handOver(live: LiveSession): Promise<void> {
    const { registry, keeper, logger } = this.#deps;
    const { id } = live;
    await keeper.save(live, AbortSignal.timeout(LAST_SAVE_TIMEOUT_MS));
    if (registry.live.get(id) !== live) return;
    const start = this.#begin(id);
    registry.live.delete(id);
    try {
      live.closeClients('browser_restarted');
      await live.saveProfile().finally(() => live.release());
    } catch (error) {
      logger.error({ err: error, sessionId: id }, 'session did not end cleanly before it was handed over');
    }
    await this.#take(id, this.#deps.nodeId, 'its node is shutting down').catch(() => false);
    const late = setTimeout(() => start.breakOff('node_drained'), HAND_OVER_TIMEOUT_MS).unref();
    await this.#goOn(id, start, 'node_drained');
    clearTimeout(late);
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

  async #take(id: string, fromNodeId: string, reason: string): Promise<boolean> {
    const { sessions, nodeId, events } = this.#deps;
    const record = await sessions.as(fromNodeId).move(id, 'revive', { reason, nodeId, eventType: 'handedOver' });
    if (record === undefined) return false;
    events.emit('stateChanged', { sessionId: id, state: record.state, closeReason: null });
    events.emit('eventRecorded', { sessionId: id });
    return true;
  }

  /** Finds a place for a session that is ours, and starts it there. Never rejects. */
  async #goOn(id: string, start: SessionStart, closeReason: 'node_lost' | 'node_drained' = 'node_lost'): Promise<void> {
    const { registry, journal, logger, events } = this.#deps;
    try {
      const isHere = await this.#place(id, start);
      if (isHere) events.emit('restored', { sessionId: id, outcome: 'restored' });
    } catch (error) {
      logger.warn({ err: error, sessionId: id }, 'session could not be restored');
      events.emit('restored', { sessionId: id, outcome: 'lost' });
      const reason = start.closeReason ?? closeReason;
      registry.unrecorded.set(id, reason);
      const message = error instanceof AppError ? error.message : 'internal error';
      await journal
        .move(id, 'lose', { reason: 'it could not be restored', closeReason: reason, error: message })
        .then(() => registry.unrecorded.delete(id))
        // `closeUnowned` does it when the database is back.
        .catch((failure: unknown) => logger.error({ err: failure, sessionId: id }, 'lost session could not be closed'));
    } finally {
      this.#finish(id, start);
    }
  }

  /** Whether it was started here; otherwise another node has it. */
  async #place(id: string, start: SessionStart): Promise<boolean> {
    const { sessions, nodeId, admission, sendElsewhere } = this.#deps;
    for (let attempt = 1; ; attempt += 1) {
      try {
        await using owned = new AsyncDisposableStack();
        owned.use(await admission.acquire({ sessionId: id, priority: PRIORITY }, start.signal));
        const record = await sessions.find(id);
        // Another node may have taken it before its answer was lost.
        if (record?.nodeId !== nodeId) return false;
        await this.#start(record, { owned, start });
        return true;
      } catch (error) {
        if (start.signal.aborted) throw start.signal.reason;
        const isSent = await sendElsewhere?.(error, { sessionId: id, signal: start.signal }).catch(
          (failure: unknown) => {
            if (attempt === ATTEMPTS) throw failure;
            return undefined;
          },
        );
        if (isSent === true) return false;
        if (isSent === false) throw error;
        if (sendElsewhere === undefined) throw error;
      }
    }
  }

  async #start(
    record: SessionRecord,
    { owned, start }: { readonly owned: AsyncDisposableStack; readonly start: SessionStart },
  ): Promise<void> {
    const { sessions, checkpoints, keeper, launcher } = this.#deps;
    const { id } = record;
    const checkpoint = (await checkpoints.find(id)) ?? emptyCheckpoint();
    const options = (await sessions.findOptions(id)) ?? {};
    const live = await launcher.restart({ record, options, checkpoint }, owned, start.signal);
    keeper.resume(live, checkpoint);
  }
}
