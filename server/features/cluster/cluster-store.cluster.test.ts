import { randomUUID } from 'node:crypto';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { openTestRedis, testPrefix } from '../../testing/test-redis.ts';
import { until } from '../../testing/until.ts';
import { PRIORITY_STEP_MS, PROMISED_PRIORITY } from '../pool/index.ts';
import { ClusterStore, type NodeRecord, type Taking } from './cluster-store.ts';

const NODES = ['a', 'b', 'c'];
const PROMISED_MS = PROMISED_PRIORITY * PRIORITY_STEP_MS;

describe('places of a cluster', () => {
  let stack: AsyncDisposableStack;
  let store: ClusterStore;

  beforeEach(async () => {
    stack = new AsyncDisposableStack();
    store = new ClusterStore((await openTestRedis(stack)).redis, testPrefix());
  });
  afterEach(() => stack.disposeAsync());

  const beat = async (nodeId: string, held: string[] = [], changes: Partial<NodeRecord> = {}): Promise<void> => {
    const usual = { epoch: 1, url: null, version: '1', limit: 2, queueLimit: 100, isOpen: true, isDraining: false };
    await store.beat({ nodeId, ...usual, ...changes }, held);
  };
  const take = (self: string, sessionId: string = randomUUID(), priorityMs = 0): Promise<Taking> =>
    store.take({ sessionId, priorityMs, self, avoid: [] });

  it('of 100 who race for 40 over three nodes exactly 40 get one, and no node more than it has', async () => {
    const limits = [20, 15, 5];
    await Promise.all(NODES.map((nodeId, index) => beat(nodeId, [], { limit: limits[index] ?? 0 })));
    const takings = await Promise.all(Array.from({ length: 100 }, (_, index) => take(NODES[index % 3] ?? '')));
    const placed = takings.filter((taking) => taking.outcome === 'placed').map(({ nodeId }) => nodeId);
    expect(NODES.map((nodeId) => placed.filter((each) => each === nodeId).length)).toEqual(limits);
    expect(takings.filter(({ outcome }) => outcome === 'waiting')).toHaveLength(60);
    expect((await store.look()).waiting).toBe(60);
  });

  it('go to the node that asks while it has room, then to the one with most', async () => {
    await beat('a', [], { limit: 1 });
    await beat('b', [], { limit: 2 });
    await beat('c', [], { limit: 5 });
    expect(await take('a')).toEqual({ outcome: 'placed', nodeId: 'a' });
    expect(await take('a')).toEqual({ outcome: 'placed', nodeId: 'c' });
  });

  it('are kept by who asks again', async () => {
    await beat('a', [], { limit: 1 });
    const id = randomUUID();
    expect(await take('b', id)).toEqual({ outcome: 'placed', nodeId: 'a' });
    expect(await take('a', id)).toEqual({ outcome: 'placed', nodeId: 'a' });
    expect((await store.look()).nodes).toMatchObject([{ nodeId: 'a', taken: 1 }]);
  });

  it('are given to those in line first, by priority and then in the order in which they came', async () => {
    await beat('a', ['x'], { limit: 1 });
    const [first, second, urgent] = [randomUUID(), randomUUID(), randomUUID()];
    await take('a', first);
    await take('b', second);
    expect(await take('b', urgent, 10_000)).toEqual({ outcome: 'waiting', position: 1 });
    await store.release('x', 'a');
    expect(await take('b', second)).toEqual({ outcome: 'waiting', position: 3 });
    expect(await take('a', first)).toEqual({ outcome: 'waiting', position: 2 });
    expect(await take('b', urgent, 10_000)).toEqual({ outcome: 'placed', nodeId: 'a' });
  });

  it('are refused when the line of all nodes is full', async () => {
    await beat('a', ['x'], { limit: 1, queueLimit: 1 });
    await beat('b', ['y'], { limit: 1, queueLimit: 1 });
    await take('a');
    await take('a');
    expect(await take('a')).toEqual({ outcome: 'full', length: 2 });
  });

  it('are waited for by what was promised already, also where the line is full or may have nobody in it', async () => {
    await beat('a', ['x'], { limit: 1, queueLimit: 0 });
    const promised = randomUUID();
    expect((await take('a', randomUUID(), 10 * PRIORITY_STEP_MS)).outcome).toBe('full');
    expect(await take('a', promised, PROMISED_MS)).toEqual({ outcome: 'waiting', position: 1 });
    await store.release('x', 'a');
    expect(await take('a', promised, PROMISED_MS)).toEqual({ outcome: 'placed', nodeId: 'a' });
  });

  it('are not on nodes that take none', async () => {
    await beat('a', [], { isOpen: false });
    await beat('b');
    expect(await take('a')).toEqual({ outcome: 'placed', nodeId: 'b' });
    const avoiding = await store.take({ sessionId: randomUUID(), priorityMs: 0, self: 'a', avoid: ['b'] });
    expect(avoiding.outcome).toBe('waiting');
  });

  it('come back from what nodes say when all is lost', async () => {
    await beat('a', ['x', 'y']);
    await store.forget('a', 1);
    expect((await store.look()).nodes).toEqual([]);
    await beat('a', ['x', 'y']);
    expect((await store.look()).nodes).toMatchObject([{ nodeId: 'a', taken: 2 }]);
    expect(await store.findHolder('x')).toBe('a');
  });

  it('of a node that has joined anew are not forgotten with what it was before', async () => {
    await beat('a', ['x'], { epoch: 2 });
    await store.forget('a', 1);
    expect((await store.look()).nodes).toMatchObject([{ nodeId: 'a', epoch: 2, taken: 1 }]);
  });

  it('in line are given up by who asks no more', async () => {
    await beat('a', ['x'], { limit: 1 });
    await take('a');
    const staying = randomUUID();
    await until(
      async () => {
        await beat('a', ['x'], { limit: 1 });
        const taking = await take('a', staying);
        return taking.outcome === 'waiting' && taking.position === 1;
      },
      { what: 'the one before has vanished', timeoutMs: 15_000 },
    );
  });
});
