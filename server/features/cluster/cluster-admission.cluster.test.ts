import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { silentLogger } from '../../platform/logger/logger.ts';
import { openTestRedis, testPrefix, type TestRedis } from '../../testing/test-redis.ts';
import { until } from '../../testing/until.ts';
import type { Place, SessionPlaces } from '../pool/index.ts';
import { ClusterAdmission } from './cluster-admission.ts';
import { ClusterStore, TICKET_MS } from './cluster-store.ts';

const NODE = 'a';
const QUEUE_TIMEOUT_MS = 20_000;

const place = (): Place => ({ browserRuns: () => undefined, [Symbol.dispose]: () => undefined });
/** A node that takes whatever the cluster sends it. */
const local: SessionPlaces & { queueTimeoutMs: number } = {
  queueTimeoutMs: QUEUE_TIMEOUT_MS,
  acquire: () => Promise.resolve(place()),
  admitRunning: place,
};

describe('a create in the line of a cluster', () => {
  let stack: AsyncDisposableStack;
  let server: TestRedis;
  let store: ClusterStore;
  let admission: ClusterAdmission;

  beforeEach(async () => {
    stack = new AsyncDisposableStack();
    server = await openTestRedis(stack, 300);
    store = new ClusterStore(server.redis, testPrefix());
    admission = new ClusterAdmission({ nodeId: NODE, store, local, logger: silentLogger });
    await beat();
  });
  afterEach(() => stack.disposeAsync());

  const beat = (): Promise<unknown> => {
    const record = { nodeId: NODE, epoch: 1, url: null, version: '1', limit: 1, queueLimit: 9 };
    return store.beat({ ...record, isOpen: true, isDraining: false }, admission.held);
  };
  const acquire = (): Promise<Place> => admission.acquire({ sessionId: randomUUID() }, new AbortController().signal);
  const inLine = (): Promise<unknown> => until(async () => (await store.look()).waiting === 1);

  it('keeps its place while Redis is silent for a moment', async () => {
    const first = await acquire();
    const waiting = acquire();
    await inLine();
    {
      using _stopped = server.stop();
      await sleep(1_500);
    }
    await until(() =>
      beat().then(
        () => true,
        () => false,
      ),
    );
    first[Symbol.dispose]();
    using _second = await waiting;
    expect(admission.held).toHaveLength(1);
  });

  it('keeps waiting when Redis has lost all it knew, until the nodes have said who they are', async () => {
    const first = await acquire();
    const waiting = acquire();
    await inLine();
    await promisify(execFile)('redis-cli', ['-u', server.url, 'FLUSHALL']);
    // Longer than it takes to be asked again.
    await sleep(1_500);
    await beat();
    await inLine();
    first[Symbol.dispose]();
    using _second = await waiting;
    expect(admission.held).toHaveLength(1);
  });

  it('is refused when Redis has been silent for longer than it keeps a place', async () => {
    using _first = await acquire();
    const waiting = expect(acquire()).rejects.toMatchObject({ code: 'DEPENDENCY_UNAVAILABLE' });
    await inLine();
    using _stopped = server.stop();
    const began = performance.now();
    await waiting;
    expect(performance.now() - began).toBeGreaterThan(TICKET_MS - 1_500);
  });
});
