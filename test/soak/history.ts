import type { Session, SessionEvent } from '@guise/contract';

import { allowedReasons, type LifecycleRecord } from './lifecycle-record.ts';

/** What is wrong with the way a session has ended; nothing where all is well. Pure. */
export function findSurprises(
  record: LifecycleRecord,
  session: Session,
  events: readonly SessionEvent[],
): readonly string[] {
  const { state, closeReason, cdpPort, cdpUrl, usage, clients, closedAt } = session;
  const allowed = allowedReasons(record);
  const surprises = [
    state !== 'CLOSED' && `it is ${state}`,
    (closeReason === null || !allowed.has(closeReason)) &&
      `it ended with ${closeReason ?? 'no reason'} in place of ${[...allowed].join(' or ')}`,
    (cdpPort !== null || cdpUrl !== null) && 'it still has an address',
    (usage !== null || clients !== 0) && 'it still has a browser or clients',
    closedAt === null && 'it has no end',
    ...pathSurprises(events),
  ];
  return surprises.filter((each) => each !== false);
}

/** A history is one path: from nothing to INITIALIZING, each move from where the last one led, CLOSED once and at the end. */
function pathSurprises(events: readonly SessionEvent[]): readonly (string | false)[] {
  const moves = events.filter(({ toState }) => toState !== null);
  const breaks = moves.flatMap(({ fromState, toState }, index) => {
    const before = moves[index - 1]?.toState ?? null;
    return fromState === before
      ? []
      : [`it moved to ${toState ?? '?'} from ${fromState ?? 'nothing'}, being ${before ?? 'nothing'}`];
  });
  return [
    moves[0]?.toState !== 'INITIALIZING' && 'its history does not begin with INITIALIZING',
    moves.at(-1)?.toState !== 'CLOSED' && 'its history does not end with CLOSED',
    moves.filter(({ toState }) => toState === 'CLOSED').length !== 1 && 'it was not closed exactly once',
    ...breaks,
  ];
}

/** A history as lines of text. Pure. */
export function describeHistory(events: readonly SessionEvent[]): string {
  return events
    .map(({ createdAt, type, fromState, toState, reason }) => {
      const move = toState === null ? '' : ` ${fromState ?? ''}>${toState}`;
      return `    ${createdAt} ${type}${move}: ${reason ?? ''}`;
    })
    .join('\n');
}
