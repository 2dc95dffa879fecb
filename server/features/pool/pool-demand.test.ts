import { describe, expect, it } from 'vitest';

import { PLAIN_BROWSER } from '../../testing/test-host.ts';
import type { BrowserKind } from './browser-kind.ts';
import { PoolDemand } from './pool-demand.ts';

const kind = (key: string): BrowserKind => ({ key, name: 'any', headless: true, toSpec: () => PLAIN_BROWSER });

describe('the demand for warm browsers', () => {
  it('knows the usual kind from the beginning, and others once they are asked for', () => {
    const demand = new PoolDemand(kind('usual'), () => 0);
    expect(demand.claims).toEqual(new Map([['usual', 0]]));
    demand.addClaim(kind('other'));
    demand.addClaim(kind('other'));
    expect(demand.claims).toEqual(
      new Map([
        ['usual', 0],
        ['other', 2],
      ]),
    );
    expect(demand.find('other')?.key).toBe('other');
    expect(demand.find('never')).toBeUndefined();
  });

  it('remembers a limited number of kinds: the least asked for goes, the usual one never', () => {
    const demand = new PoolDemand(kind('usual'), () => 0);
    for (let index = 0; index < 200; index += 1) {
      demand.addClaim(kind('often'));
      demand.addClaim(kind(`once ${index}`));
    }
    expect(demand.claims.size).toBe(64);
    expect(demand.claims.get('usual')).toBe(0);
    expect(demand.claims.get('often')).toBe(200);
    expect(demand.find('once 199')).toBeDefined();
  });

  it('counts hits among what could have been one', () => {
    const demand = new PoolDemand(kind('usual'), () => 0);
    expect(demand.hitRate).toBeUndefined();
    for (const outcome of ['hit', 'miss', 'hit', 'hit'] as const) demand.addOutcome(outcome);
    expect(demand.hitRate).toBeCloseTo(0.75);
  });
});
