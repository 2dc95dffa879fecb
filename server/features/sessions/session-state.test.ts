import { SESSION_STATES } from '@guise/contract';
import { describe, expect, it } from 'vitest';

import { isTerminal, movesOf, nextState, type SessionTrigger } from './session-state.ts';

const TRIGGERS: SessionTrigger[] = ['ready', 'rest', 'wake', 'sicken', 'recover', 'close', 'closed', 'lose'];

describe('session state machine', () => {
  it('reaches the end from every state', () => {
    for (const start of SESSION_STATES) {
      const reachable = new Set([start]);
      for (const state of reachable) {
        for (const next of TRIGGERS.map((trigger) => nextState(state, trigger))) {
          if (next !== undefined) reachable.add(next);
        }
      }
      expect([...reachable].some(isTerminal), `from ${start}`).toBe(true);
    }
  });

  it('reaches every state from the first', () => {
    const reachable = new Set([SESSION_STATES[0]]) as Set<(typeof SESSION_STATES)[number]>;
    for (const state of reachable) {
      for (const trigger of TRIGGERS) {
        const next = nextState(state, trigger);
        if (next !== undefined) reachable.add(next);
      }
    }
    expect([...reachable].toSorted()).toEqual([...SESSION_STATES].toSorted());
  });

  it('lets nothing happen to a session that is closed', () => {
    expect(SESSION_STATES.filter(isTerminal)).toEqual(['CLOSED']);
  });

  it('can close or lose a session in every state before that', () => {
    for (const state of ['INITIALIZING', 'ACTIVE', 'IDLE', 'UNHEALTHY'] as const) {
      expect(nextState(state, 'close'), state).toBe('CLOSING');
      expect(nextState(state, 'lose'), state).toBe('CLOSED');
    }
  });

  it('lists the moves of a trigger for the guard in SQL', () => {
    expect(movesOf('wake')).toEqual([['IDLE', 'ACTIVE']]);
    expect(movesOf('closed')).toEqual([['CLOSING', 'CLOSED']]);
  });
});
