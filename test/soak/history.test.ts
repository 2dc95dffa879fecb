import type { CloseReason, Session, SessionEvent, SessionState } from '@guise/contract';
import { describe, expect, it } from 'vitest';

import { findSurprises } from './history.ts';
import { allowedReasons, type LifecycleRecord, type Phase } from './lifecycle-record.ts';
import type { Incident } from './restartable-service.ts';

function recordWith(incidents: LifecycleRecord['incidents'], isAdoptable = true): LifecycleRecord {
  const reasons: readonly CloseReason[] = ['idle_timeout'];
  return {
    label: '1',
    fault: 'idle',
    reasons,
    mayBeUnborn: false,
    isAdoptable,
    phase: 'done',
    hasFailed: false,
    incidents,
  };
}

function sessionEndedBy(closeReason: CloseReason): Session {
  const at = '2026-01-01T00:00:00.000Z';
  return {
    id: '00000000-0000-4000-8000-000000000000',
    state: 'CLOSED',
    closeReason,
    nodeId: 'here',
    profileId: null,
    checkpoint: false,
    persist: false,
    headless: true,
    stealthLevel: 'basic',
    identity: null,
    cdpPort: null,
    cdpUrl: null,
    liveUrl: null,
    timeoutMs: 1_000,
    maxLifetimeMs: null,
    expiresAt: at,
    maxRequests: null,
    memoryLimitMb: null,
    recycle: 'close',
    requestCount: 0,
    clients: 0,
    usage: null,
    proxy: null,
    traffic: null,
    trafficLimitMb: null,
    warnings: [],
    metadata: {},
    error: null,
    createdAt: at,
    startedAt: at,
    lastActivityAt: at,
    closedAt: at,
  };
}

/** The history of a session that was in these states, one after another. */
function pathOf(...states: readonly SessionState[]): SessionEvent[] {
  return states.map((toState, index) => ({
    id: index + 1,
    sessionId: '',
    type: index === 0 ? 'created' : 'stateChanged',
    fromState: states[index - 1] ?? null,
    toState,
    reason: null,
    data: {},
    createdAt: '2026-01-01T00:00:00.000Z',
  }));
}

const WHOLE = pathOf('INITIALIZING', 'ACTIVE', 'CLOSING', 'CLOSED');

describe('the reasons a session may have ended for', () => {
  it.each<{ incident: Incident; phase: Phase; isAdoptable?: boolean; reasons: CloseReason[] }>([
    { incident: 'serviceKilled', phase: 'creating', reasons: ['idle_timeout', 'node_lost'] },
    { incident: 'serviceKilled', phase: 'using', reasons: ['idle_timeout'] },
    { incident: 'serviceKilled', phase: 'using', isAdoptable: false, reasons: ['idle_timeout', 'node_lost'] },
    { incident: 'serviceKilled', phase: 'ending', reasons: ['idle_timeout', 'node_lost'] },
    { incident: 'serviceKilled', phase: 'done', reasons: ['idle_timeout'] },
    { incident: 'serviceDrained', phase: 'using', reasons: ['idle_timeout', 'node_drained'] },
  ])('are $reasons after $incident while $phase (adoptable: $isAdoptable)', (each) => {
    const { incident, phase, isAdoptable = true, reasons } = each;
    expect([...allowedReasons(recordWith([{ incident, phase }], isAdoptable))]).toEqual(reasons);
  });
});

describe('findSurprises', () => {
  it('finds none in a session that went the way it should', () => {
    expect(findSurprises(recordWith([]), sessionEndedBy('idle_timeout'), WHOLE)).toEqual([]);
  });

  it('finds a reason that does not fit', () => {
    const surprises = findSurprises(recordWith([]), sessionEndedBy('unhealthy'), WHOLE);
    expect(surprises).toEqual(['it ended with unhealthy in place of idle_timeout']);
  });

  it('finds a session that is not over', () => {
    const live: Session = {
      ...sessionEndedBy('idle_timeout'),
      state: 'ACTIVE',
      cdpPort: 9222,
      clients: 1,
      closedAt: null,
    };
    expect(findSurprises(recordWith([]), live, WHOLE)).toEqual([
      'it is ACTIVE',
      'it still has an address',
      'it still has a browser or clients',
      'it has no end',
    ]);
  });

  it.each([
    ['that begins elsewhere', pathOf('ACTIVE', 'CLOSED')],
    ['that does not end', pathOf('INITIALIZING', 'ACTIVE')],
    ['that ends twice', pathOf('INITIALIZING', 'CLOSED', 'CLOSED')],
    ['with a gap', pathOf('INITIALIZING', 'ACTIVE', 'CLOSING', 'CLOSED').toSpliced(2, 1)],
  ])('finds a history %s', (_what, events) => {
    expect(findSurprises(recordWith([]), sessionEndedBy('idle_timeout'), events)).not.toEqual([]);
  });
});
