import { describe, expect, it } from 'vitest';

import { ProxyHealth } from './proxy-health.ts';

const START = Date.UTC(2031, 0, 1);

function openHealth(): { health: ProxyHealth; pass: (ms: number) => void } {
  let now = START;
  return { health: new ProxyHealth(() => now), pass: (ms) => (now += ms) };
}

describe('the health of proxies', () => {
  it('avoids one that fails for a time that doubles, up to five minutes, and gives it one trial at a time', () => {
    const { health, pass } = openHealth();
    const times: number[] = [];
    for (let failure = 0; failure < 9; failure += 1) {
      health.startTrial('a');
      const before = health.avoidedUntil('a')?.getTime() ?? 0;
      health.report('a', 'proxy_unreachable');
      const until = health.avoidedUntil('a')?.getTime() ?? 0;
      // While the trial of one that had failed was on, nobody else was given it.
      expect(before > 0).toBe(failure > 0);
      const waitMs = until - START - times.reduce((sum, each) => sum + each, 0);
      times.push(waitMs);
      pass(waitMs - 1);
      expect(health.isAvoided('a')).toBe(true);
      pass(1);
      expect(health.isAvoided('a')).toBe(false);
    }
    expect(times).toEqual([5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000, 300_000]);
  });

  it('takes connections that fail together for one failure', () => {
    const { health } = openHealth();
    for (let index = 0; index < 30; index += 1) health.report('a', 'proxy_unreachable');
    expect(health.avoidedUntil('a')).toEqual(new Date(START + 5_000));
  });

  it('trusts one again as soon as it connects, or a check of it succeeds', () => {
    const { health } = openHealth();
    health.report('a', 'proxy_auth');
    health.report('b', 'proxy_auth');
    expect(health.listAvoided()).toEqual(['a', 'b']);
    health.report('a', 'connected');
    health.reportCheck('b', true);
    expect(health.listAvoided()).toEqual([]);
    expect(health.hasFailed('a') || health.hasFailed('b')).toBe(false);
  });

  it('holds nothing against a proxy that a destination may be to blame for, unless a check says so', () => {
    const { health } = openHealth();
    for (const outcome of ['proxy_refused', 'unreachable', 'name_not_resolved'] as const) health.report('a', outcome);
    expect(health.hasFailed('a')).toBe(false);
    health.reportCheck('a', false);
    expect(health.isAvoided('a')).toBe(true);
  });

  it('gives what is to be written down once, and takes back what could not be', () => {
    const { health, pass } = openHealth();
    health.report('a', 'proxy_unreachable');
    health.report('b', 'connected');
    health.report('b', 'proxy_refused');
    const notes = health.takeNotes();
    expect(notes).toEqual([
      { id: 'a', usedAt: new Date(START), failuresInARow: 1 },
      { id: 'b', usedAt: new Date(START), failuresInARow: 0 },
    ]);
    expect(health.takeNotes()).toEqual([]);
    pass(7);
    health.report('a', 'connected');
    health.returnNotes(notes);
    expect(health.takeNotes()).toEqual([
      { id: 'a', usedAt: new Date(START + 7), failuresInARow: 0 },
      { id: 'b', usedAt: new Date(START), failuresInARow: 0 },
    ]);
  });
});
