import { describe, expect, it } from 'vitest';

import type { ClusterView, NodeRecord } from './cluster-store.ts';
import { NodeRegistry } from './node-registry.ts';

const RECORD: NodeRecord = {
  nodeId: 'a',
  epoch: 1,
  url: 'http://a',
  version: '1',
  limit: 1,
  queueLimit: 1,
  isOpen: true,
  isDraining: false,
};

/** A registry over a Redis that says what the test has it say, or is away. */
function openRegistry(): {
  registry: NodeRegistry;
  pass: (ms: number) => void;
  say: (ages: Record<string, number> | 'away', knownMs?: number) => void;
} {
  let now = 0;
  let view: ClusterView | undefined;
  const hear = async (): Promise<ClusterView> => {
    if (view === undefined) throw new Error('away');
    return view;
  };
  return {
    registry: new NodeRegistry({
      store: { beat: hear, look: hear },
      report: () => ({ record: RECORD, held: [] }),
      now: () => now,
    }),
    pass: (ms) => void (now += ms),
    say(ages, knownMs = 1_000_000) {
      if (ages === 'away') {
        view = undefined;
        return;
      }
      const seen = Object.entries(ages).map(([nodeId, ageMs]) => ({
        nodeId,
        url: `http://${nodeId}`,
        taken: 0,
        ageMs,
      }));
      view = { nodes: seen.map((node) => ({ ...RECORD, ...node })), waiting: 0, knownMs };
    },
  };
}

describe('what a node knows of the others', () => {
  it('lets one be stale by the time since it was heard of, wherever that has passed', async () => {
    const { registry, pass, say } = openRegistry();
    say({ a: 0, b: 2_000 });
    await registry.beat();
    pass(3_999);
    expect(registry.listStale()).toEqual([]);
    pass(1);
    expect(registry.listStale().map(({ nodeId }) => nodeId)).toEqual(['b']);
  });

  it('is not trusted to be all until Redis has answered without a break for 8 s', async () => {
    const { registry, pass, say } = openRegistry();
    say({ a: 0 });
    await registry.beat();
    pass(7_999);
    await registry.beat();
    expect(registry.isSteady).toBe(false);
    pass(1);
    expect(registry.isSteady).toBe(true);
    say('away');
    await registry.beat().catch(() => undefined);
    say({ a: 0 });
    await registry.beat();
    expect(registry.isSteady).toBe(false);
  });

  it('is not trusted to be all where Redis itself has begun anew', async () => {
    const { registry, pass, say } = openRegistry();
    say({ a: 0 });
    await registry.beat();
    pass(60_000);
    say({ a: 0 }, 2_000);
    await registry.beat();
    expect(registry.isSteady).toBe(false);
  });

  it('stays while Redis is away', async () => {
    const { registry, pass, say } = openRegistry();
    say({ a: 0, b: 0 });
    await registry.beat();
    say('away');
    pass(60_000);
    await registry.beat().catch(() => undefined);
    expect(await registry.find('b')).toEqual({ nodeId: 'b', url: 'http://b' });
    expect(await registry.find('c')).toBeUndefined();
  });
});
