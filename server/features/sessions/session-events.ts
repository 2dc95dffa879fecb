import type { CloseReason, SessionState } from '@guise/contract';

/** What happens to sessions of this node, for those who only watch: metrics, for one. */
export interface SessionEvents {
  /** A session has moved to another state; the move is in the database already. */
  stateChanged: {
    readonly sessionId: string;
    readonly state: SessionState;
    readonly closeReason: CloseReason | null;
  };
  /** A create has been answered, or has failed. */
  created: { readonly durationMs: number; readonly outcome: 'warm' | 'cold' | 'failed' };
}
