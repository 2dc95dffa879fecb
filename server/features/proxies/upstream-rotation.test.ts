import { describe, expect, it } from 'vitest';

import type { Upstream } from '../egress/index.ts';
import { ProxyHealth } from './proxy-health.ts';
import { type Member, type RotationPeriod, singleUpstream, UpstreamRotation } from './upstream-rotation.ts';

const member = (proxyId: string): Member => ({ protocol: 'http', host: `${proxyId}.example`, port: 80, proxyId });
const idsOf = (upstreams: readonly Upstream[]): string => upstreams.map(({ proxyId }) => proxyId).join('');

function openRotation(period: RotationPeriod): {
  rotation: UpstreamRotation;
  other: UpstreamRotation;
  health: ProxyHealth;
  pass: (ms: number) => void;
  next: () => string;
} {
  let time = 1_000_000;
  const now = (): number => time;
  const health = new ProxyHealth(now);
  const members: [Member, ...Member[]] = [member('a'), member('b'), member('c')];
  const rotation = new UpstreamRotation(members, period, { health, now });
  const other = new UpstreamRotation(members, period, { health, now });
  return { rotation, other, health, pass: (ms) => (time += ms), next: () => idsOf(rotation.choose()) };
}

describe('a rotation', () => {
  it('per session stays with one', () => {
    const { next, pass } = openRotation({ per: 'session' });
    expect([next(), next(), next()]).toEqual(['abc', 'abc', 'abc']);
    pass(3_600_000);
    expect(next()).toBe('abc');
  });

  it('per request gives each connection the next', () => {
    const { next } = openRotation({ per: 'request' });
    expect([next(), next(), next(), next()]).toEqual(['abc', 'bca', 'cab', 'abc']);
  });

  it('per interval gives the turn on as time passes, not as connections come', () => {
    const { next, pass } = openRotation({ per: 'interval', intervalMs: 1_000 });
    expect([next(), next()]).toEqual(['abc', 'abc']);
    pass(999);
    expect(next()).toBe('abc');
    pass(1);
    expect([next(), next()]).toEqual(['bca', 'bca']);
    // Two intervals, and half of one that still counts.
    pass(2_500);
    expect(next()).toBe('abc');
    pass(500);
    expect(next()).toBe('bca');
  });

  it('fails over to the next and stays there when the first recovers', () => {
    const { rotation, next, pass, health } = openRotation({ per: 'session' });
    expect(next()).toBe('abc');
    rotation.report(member('a'), 'proxy_unreachable');
    expect(rotation.current.proxyId).toBe('b');
    expect(next()).toBe('bca');
    pass(5_000);
    expect(health.isAvoided('a')).toBe(false);
    expect(next()).toBe('bca');
    rotation.report(member('b'), 'proxy_auth');
    expect(next()).toBe('cab');
  });

  it('is told by other sessions what fails, and tells them', () => {
    const { rotation, other, next } = openRotation({ per: 'session' });
    rotation.report(member('a'), 'proxy_unreachable');
    expect(idsOf(other.choose())).toBe('bca');
    other.report(member('a'), 'connected');
    expect(next()).toBe('abc');
  });

  it('gives a failed one whose time is over to one connection, the others go past it until that is decided', () => {
    const { rotation, other, next, pass } = openRotation({ per: 'session' });
    rotation.report(member('a'), 'proxy_unreachable');
    pass(5_000);
    expect(next()).toBe('abc');
    expect(idsOf(other.choose())).toBe('bca');
    rotation.report(member('a'), 'proxy_unreachable');
    pass(9_999);
    expect(idsOf(other.choose())).toBe('bca');
  });

  it('of which all are avoided is tried all the same, the one whose time is nearest first', () => {
    const { rotation, next, pass } = openRotation({ per: 'request' });
    for (const id of ['c', 'a', 'b']) {
      rotation.report(member(id), 'proxy_unreachable');
      pass(1);
    }
    expect(next()).toBe('cab');
  });
});

describe('a single proxy', () => {
  it('is given always, and how it does is noted where it is stored', () => {
    const health = new ProxyHealth();
    const source = singleUpstream(member('a'), health);
    source.report(member('a'), 'proxy_unreachable');
    expect(idsOf(source.choose())).toBe('a');
    expect(health.isAvoided('a')).toBe(true);

    const { proxyId: _, ...unknown } = member('b');
    singleUpstream(unknown, health).report(unknown, 'proxy_unreachable');
    expect(health.listAvoided()).toEqual(['a']);
  });
});
