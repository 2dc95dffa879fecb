import { expect, it } from 'vitest';

import { startCluster } from './build-cluster.ts';
import { LossWatch, Membership, NodeRegistry, SessionNews } from './features/cluster/index.ts';
import type { SessionEvents } from './features/sessions/index.ts';
import { TypedEmitter } from './lib/typed-emitter.ts';
import { silentLogger } from './platform/logger/logger.ts';

it('a node looks at its own standing while it waits for others that do not answer', async () => {
  const gone = {
    ...{ nodeId: 'b', epoch: 1, url: 'http://b', version: '1', limit: 1, queueLimit: 1, isOpen: true },
    ...{ isDraining: false, taken: 0, ageMs: 60_000 },
  };
  const view = { nodes: [gone], waiting: 0, knownMs: 60_000 };
  const store = { beat: async () => view, look: async () => view, forget: async () => undefined };
  const isAsking = Promise.withResolvers<void>();
  let looks = 0;
  const repository = {
    join: async () => 1,
    leave: async () => undefined,
    findStanding: async () => {
      looks += 1;
      return 'member' as const;
    },
    declareLost: async () => true,
    declareUnknownLost: async () => true,
    listOwners: async () => [],
    listLeftSessions: async () => [],
  };
  const common = { nodeId: 'a', repository, store, logger: silentLogger };
  const admission = { refuse: () => undefined };
  const membership = new Membership({ ...common, admission, endSessions: async () => undefined });
  // Far enough ahead each time for Redis to count as steady at once.
  let now = 0;
  const record = { ...gone, nodeId: 'a' };
  const registry = new NodeRegistry({ store, report: () => ({ record, held: [] }), now: () => (now += 10_000) });
  const answered = Promise.withResolvers<boolean>();
  const watch = new LossWatch({
    ...{ ...common, membership, registry },
    client: { busyWith: [], breakOff: () => undefined },
    isAlive: () => {
      isAsking.resolve();
      return answered.promise;
    },
    closeSessions: async () => undefined,
  });
  const redis = { publish: async () => undefined, subscribe: async () => undefined };
  const events = new TypedEmitter<SessionEvents>(() => undefined);
  const news = new SessionNews({ nodeId: 'a', redis, events, logger: silentLogger });
  {
    await using stack = new AsyncDisposableStack();
    await startCluster(
      { membership, news, registry, watch, announce: () => registry.beat() },
      { stack, logger: silentLogger },
    );
    stack.defer(() => answered.resolve(true));
    await isAsking.promise;
    const before = looks;
    await expect.poll(() => looks, { timeout: 10_000 }).toBeGreaterThan(before + 1);
  }
});
