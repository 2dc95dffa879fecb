import { SESSION_STATES, type SessionState } from '@guise/contract';

/** What can happen to a session. */
export type SessionTrigger =
  'ready' | 'rest' | 'wake' | 'sicken' | 'recover' | 'adopt' | 'revive' | 'close' | 'closed' | 'lose';

/**
 * The whole life of a session. A pair that is not here is a bug or a lost race, never a silent no-op.
 *
 * `ready`: the browser runs and can be reached. `rest` and `wake`: nobody has used it for a while; somebody does.
 * `sicken` and `recover`: a health check failed; it passes again. `adopt`: a service that was killed is back and has taken the
 * browser over. `revive`: its node has gone, and another begins to start it anew. `close`: the end has begun, for a reason that stays.
 * `closed`: nothing of the browser is left. `lose`: the browser, or the node with it, is gone already.
 */
const TRANSITIONS = {
  INITIALIZING: { ready: 'ACTIVE', revive: 'INITIALIZING', sicken: 'UNHEALTHY', close: 'CLOSING', lose: 'CLOSED' },
  ACTIVE: {
    rest: 'IDLE',
    adopt: 'ACTIVE',
    revive: 'INITIALIZING',
    sicken: 'UNHEALTHY',
    close: 'CLOSING',
    lose: 'CLOSED',
  },
  IDLE: {
    wake: 'ACTIVE',
    adopt: 'ACTIVE',
    revive: 'INITIALIZING',
    sicken: 'UNHEALTHY',
    close: 'CLOSING',
    lose: 'CLOSED',
  },
  UNHEALTHY: { recover: 'ACTIVE', adopt: 'ACTIVE', revive: 'INITIALIZING', close: 'CLOSING', lose: 'CLOSED' },
  CLOSING: { closed: 'CLOSED', lose: 'CLOSED' },
  CLOSED: {},
} as const satisfies Record<SessionState, Partial<Record<SessionTrigger, SessionState>>>;

const TABLE: Readonly<Record<SessionState, Partial<Record<SessionTrigger, SessionState>>>> = TRANSITIONS;

/** State reached from `from` by `trigger`, or undefined where the table does not allow it. */
export function nextState(from: SessionState, trigger: SessionTrigger): SessionState | undefined {
  return TABLE[from][trigger];
}

/** Whether nothing can happen to a session in this state any more. */
export function isTerminal(state: SessionState): boolean {
  return Object.keys(TABLE[state]).length === 0;
}

/** `[from, to]` pairs `trigger` can make; the repository turns them into the guard of one UPDATE. */
export function movesOf(trigger: SessionTrigger): readonly (readonly [from: SessionState, to: SessionState])[] {
  return SESSION_STATES.flatMap((from) => {
    const to = nextState(from, trigger);
    return to === undefined ? [] : [[from, to] as const];
  });
}
