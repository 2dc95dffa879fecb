import type {
  CloseReason,
  EgressFailureReason,
  RefusalReason,
  SessionIdentity,
  SessionState,
  SessionUsage,
  StealthLevel,
} from '@guise/contract';

import type { Actor } from '../../lib/actor.ts';

/** What happens to sessions of this node, for those who only watch: metrics, for one. */
export interface SessionEvents {
  /** A session has moved to another state; the move is in the database already. */
  stateChanged: {
    readonly sessionId: string;
    readonly state: SessionState;
    readonly closeReason: CloseReason | null;
  };
  /** Something new is in the history of a session. */
  eventRecorded: { readonly sessionId: string };
  /** A browser has been asked whether it works. */
  healthChecked: { readonly outcome: 'ok' | 'failed' | 'page_hung' };
  /** A create has been answered, or has failed. `pinned`: launched to be one certain individual. */
  created: {
    readonly sessionId: string;
    /** Who has asked for it. */
    readonly actor: Actor;
    readonly durationMs: number;
    readonly outcome: 'warm' | 'cold' | 'pinned' | 'failed';
    readonly stealthLevel: StealthLevel;
    /** Null where it failed. */
    readonly identity: SessionIdentity | null;
  };
  /** A session whose node has gone was started anew here, or could not be. */
  restored: { readonly sessionId: string; readonly outcome: 'restored' | 'lost' };
  /** What a session's browser uses has been measured. */
  usageSampled: { readonly sessionId: string; readonly ownerKeyId: string | null; readonly usage: SessionUsage };
  /** A command of a client was refused. */
  commandRefused: { readonly sessionId: string; readonly method: string };
  /** A connection of a session was refused. */
  egressRefused: { readonly sessionId: string; readonly reason: RefusalReason };
  /** A connection of a session did not come about. */
  egressFailed: { readonly sessionId: string; readonly reason: EgressFailureReason };
}
