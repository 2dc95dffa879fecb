import type { SessionEventType } from '@guise/contract';

import type { TypedEmitter } from '../../lib/typed-emitter.ts';
import type { LiveSession } from './live-session.ts';
import type { SessionEvents } from './session-events.ts';
import type { SessionRecord } from './session-record.ts';
import type { EventDetails, MoveDetails, SessionRepository } from './session-repository.ts';
import type { SessionTrigger } from './session-state.ts';

/** Writes what happens to sessions and tells those who watch, in this order. */
export class SessionJournal {
  readonly #sessions: Pick<SessionRepository, 'move' | 'addEvent'>;
  readonly #events: TypedEmitter<SessionEvents>;

  constructor(sessions: Pick<SessionRepository, 'move' | 'addEvent'>, events: TypedEmitter<SessionEvents>) {
    this.#sessions = sessions;
    this.#events = events;
  }

  /** Moves a row along the state machine; undefined where the move is not allowed (any more). */
  async move(id: string, trigger: SessionTrigger, details: MoveDetails): Promise<SessionRecord | undefined> {
    const record = await this.#sessions.move(id, trigger, details);
    if (record === undefined) return undefined;
    const { state, closeReason } = record;
    this.#events.emit('stateChanged', { sessionId: id, state, closeReason });
    this.#events.emit('eventRecorded', { sessionId: id });
    return record;
  }

  /** Moves a live session, its use up to now with it; where the move is not allowed any more, nothing happens. */
  async moveLive(live: LiveSession, trigger: SessionTrigger, details: MoveDetails): Promise<void> {
    const { lastActivityAt, requestCount } = live;
    const record = await this.move(live.id, trigger, { lastActivityAt, requestCount, ...details });
    if (record !== undefined) live.state = record.state;
  }

  /** Adds an event that is no move to a session's history. */
  async note(id: string, type: SessionEventType, details: EventDetails): Promise<void> {
    await this.#sessions.addEvent(id, type, details);
    this.#events.emit('eventRecorded', { sessionId: id });
  }
}
