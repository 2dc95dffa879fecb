import { createHash } from 'node:crypto';

import { type BrowserCheckpoint, CdpClosedError, emptyCheckpoint } from '../../../browser/index.ts';
import type { Logger } from '../../../platform/logger/logger.ts';
import type { LiveSession } from '../live-session.ts';
import type { SessionJournal } from '../session-journal.ts';
import type { SessionCheckpoints } from './session-checkpoints.ts';

/** A browser that takes longer to say what it has is busy; its last checkpoint stays. Milliseconds. */
const READ_TIMEOUT_MS = 5_000;

interface CheckpointKeeperDeps {
  readonly checkpoints: Pick<SessionCheckpoints, 'save'>;
  readonly journal: Pick<SessionJournal, 'note'>;
  readonly logger: Logger;
}

/** What was kept last of a session. */
interface Kept {
  readonly checkpoint: BrowserCheckpoint;
  readonly digest: string;
  /** Whether the last attempt came to nothing. */
  readonly isFailing: boolean;
}

/** Takes the checkpoints of the sessions that asked for them. */
export class CheckpointKeeper {
  readonly #deps: CheckpointKeeperDeps;
  readonly #kept = new WeakMap<object, Kept>();

  constructor(deps: CheckpointKeeperDeps) {
    this.#deps = deps;
  }

  /** Begins with what a session was restored with. */
  resume(live: object, checkpoint: BrowserCheckpoint): void {
    this.#kept.set(live, { checkpoint, digest: digestOf(checkpoint), isFailing: false });
  }

  /** Takes a checkpoint of each of these that wants any; what has not changed is not written again. Never rejects. */
  async saveAll(sessions: readonly LiveSession[], signal: AbortSignal): Promise<void> {
    const wanting = sessions.filter(({ checkpoint, isRestarting }) => checkpoint && !isRestarting);
    await Promise.all(wanting.map((live) => this.save(live, signal)));
  }

  /** Takes one checkpoint. One that fails is told of in the session's history, once, and the one before stays. Never rejects. */
  async save(live: LiveSession, signal: AbortSignal): Promise<void> {
    const before = this.#kept.get(live) ?? { checkpoint: emptyCheckpoint(), digest: '', isFailing: false };
    try {
      const deadline = AbortSignal.any([signal, AbortSignal.timeout(READ_TIMEOUT_MS)]);
      const checkpoint = await live.browser.readCheckpoint(before.checkpoint, deadline);
      const digest = digestOf(checkpoint);
      if (digest !== before.digest) await this.#deps.checkpoints.save(live.id, checkpoint);
      this.#kept.set(live, { checkpoint, digest, isFailing: false });
    } catch (error) {
      // A browser that has gone has another end.
      if (signal.aborted || error instanceof CdpClosedError) return;
      this.#kept.set(live, { ...before, isFailing: true });
      if (!before.isFailing) await this.#tell(live.id, error);
    }
  }

  async #tell(sessionId: string, error: unknown): Promise<void> {
    const { journal, logger } = this.#deps;
    logger.warn({ err: error, sessionId }, 'checkpoint could not be taken');
    await journal
      .note(sessionId, 'checkpointNotSaved', { reason: 'the browser or the database did not answer' })
      .catch(() => undefined);
  }
}

function digestOf(checkpoint: BrowserCheckpoint): string {
  return createHash('sha256').update(JSON.stringify(checkpoint)).digest('base64url');
}
