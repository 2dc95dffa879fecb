import type { CloseReason } from '@guise/contract';

import type { LiveSession } from './live-session.ts';
import type { SessionStart } from './session-start.ts';

/**
 * What this process holds of sessions.
 *
 * The row is the truth about a session's state. An id is starting, live or ending here from before its row is written until
 * its row is CLOSED, so a live row whose id is none of these belongs to nobody.
 */
export class SessionRegistry {
  readonly starting = new Map<string, SessionStart>();
  readonly live = new Map<string, LiveSession>();
  /** Each with the promise of its end, which never rejects. */
  readonly ending = new Map<string, Promise<void>>();
  /** Ends that have not been written yet, because the database did not take them. */
  readonly unrecorded = new Map<string, CloseReason>();

  /** The ids of all sessions that hold something here. */
  get ids(): ReadonlySet<string> {
    return new Set([...this.starting.keys(), ...this.live.keys(), ...this.ending.keys()]);
  }

  isOwned(id: string): boolean {
    return this.starting.has(id) || this.live.has(id) || this.ending.has(id);
  }
}
