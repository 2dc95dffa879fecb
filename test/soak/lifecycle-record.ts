import type { CloseReason } from '@guise/contract';

import type { Incident } from './restartable-service.ts';

/** How far the harness has come with a session. What happens to the service means something else in each. */
export type Phase = 'creating' | 'using' | 'ending' | 'done';

/** One session of the run: what was meant to happen to it, and what happened around it. */
export interface LifecycleRecord {
  /** Value of the metadata label by which its row is found. */
  readonly label: string;
  readonly fault: string;
  /** How a session of this fault may end when nothing happens to the service. */
  readonly reasons: readonly CloseReason[];
  /** Whether there may be no session at all: its create was broken off. */
  readonly mayBeUnborn: boolean;
  /** Whether a service that is started again may take it over. */
  readonly isAdoptable: boolean;
  phase: Phase;
  /** Whether its life broke off, which was told: how its session ended says nothing then. */
  hasFailed: boolean;
  readonly incidents: { readonly incident: Incident; readonly phase: Phase }[];
}

/** Every reason a session of this record may have ended for. Pure. */
export function allowedReasons({ reasons, incidents, isAdoptable }: LifecycleRecord): ReadonlySet<CloseReason> {
  const allowed = new Set(reasons);
  for (const { incident, phase } of incidents) {
    if (phase === 'done') continue;
    if (incident === 'serviceDrained') {
      allowed.add('node_drained');
      continue;
    }
    // A session that is in use goes on: its browser waits for the next service. One that is only starting or ending does not.
    if (phase !== 'using' || !isAdoptable) allowed.add('node_lost');
  }
  return allowed;
}
