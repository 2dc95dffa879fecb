import type { SessionEvent, SessionEventType, SessionState } from '@guise/contract';

/** A row of `session_events`, with the columns of `EVENT_COLUMNS`. */
export interface EventRow {
  id: number;
  session_id: string;
  type: SessionEventType;
  from_state: SessionState | null;
  to_state: SessionState | null;
  reason: string | null;
  data: Record<string, unknown>;
  created_at: Date;
}

export const EVENT_COLUMNS = `session_events.id, session_events.session_id, session_events.type, session_events.from_state,
  session_events.to_state, session_events.reason, session_events.data,
  session_events.created_at`;

/** A row as the event it stands for. */
export function toEvent(row: EventRow): SessionEvent {
  return {
    id: row.id,
    sessionId: row.session_id,
    type: row.type,
    fromState: row.from_state,
    toState: row.to_state,
    reason: row.reason,
    data: row.data,
    createdAt: row.created_at.toISOString(),
  };
}
