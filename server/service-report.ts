import type { Status } from '@guise/contract';

import type { ClusterParts } from './build-cluster.ts';
import type { Admission, MemoryBudget, WarmPool } from './features/pool/index.ts';
import type { SessionService } from './features/sessions/index.ts';
import type { HealthCheck } from './http/index.ts';
import type { ObjectStore } from './platform/objects/index.ts';
import type { Database } from './platform/postgres/index.ts';
import type { Settings } from './settings/load-settings.ts';

/** How many of those in line are named; who is further back can count on a long wait. */
const LISTED_WAITERS = 100;
const MIB = 1_024 ** 2;

/** The parts whose state is told to those who run the service. */
export interface ReportedParts {
  readonly db: Database;
  readonly objects: ObjectStore;
  readonly pool: WarmPool;
  readonly memory: MemoryBudget;
  readonly admission: Admission;
  readonly sessions: SessionService;
  readonly cluster: ClusterParts | undefined;
}

/** What must work for this node to be ready. */
export function healthChecks({
  db,
  objects,
  pool,
  admission,
}: Pick<ReportedParts, 'db' | 'objects' | 'pool' | 'admission'>): Readonly<Record<string, HealthCheck>> {
  return {
    database: (signal) => db.ping(signal),
    objects: (signal) => objects.check(signal),
    browser: async () => {
      if (pool.lastFailure === undefined) return;
      throw new Error('The last browser did not start; the log says why', { cause: pool.lastFailure });
    },
    intake: async () => {
      if (admission.isClosed) throw new Error('This node is shutting down');
    },
  };
}

/** What this node is doing now. */
export function reportStatus(
  { pool, memory, admission, sessions, cluster }: ReportedParts,
  node: Pick<Settings, 'nodeId' | 'mode'> & { version: string; browserVersion: string; startedAt: Date },
): Status {
  const { nodeId, mode, version, browserVersion, startedAt } = node;
  return {
    nodeId,
    version,
    mode,
    browserVersion,
    startedAt: startedAt.toISOString(),
    uptimeSeconds: Math.floor((Date.now() - startedAt.getTime()) / 1_000),
    draining: admission.isClosed,
    ...(cluster !== undefined && { cluster: reportCluster(cluster) }),
    sessions: {
      live: sessions.live.length,
      limit: admission.limit,
      queued: admission.waiting,
      queueLimit: admission.queueLimit,
      cdpClients: sessions.clientCount,
    },
    queue: {
      waiting: admission.waiting,
      limit: admission.queueLimit,
      timeoutMs: admission.queueTimeoutMs,
      entries: admission.waitingList(LISTED_WAITERS),
    },
    launches: pool.launches,
    memory: {
      availableMb: Math.floor(memory.availableBytes / MIB),
      promisedMb: Math.floor(memory.promisedBytes / MIB),
      reserveMb: Math.floor(memory.reserveBytes / MIB),
    },
    warmPool: {
      size: pool.size,
      ready: pool.readyCount,
      starting: pool.startingCount,
      isPaused: pool.isMemoryShort,
      hitRate: pool.hitRate ?? null,
      classes: pool.reportClasses(),
    },
  };
}

function reportCluster({ registry, redis }: ClusterParts): NonNullable<Status['cluster']> {
  const { nodes, waiting } = registry.view;
  return {
    nodes: nodes.map(({ nodeId, url, epoch, version, limit, taken, isOpen, isDraining, ageMs }) => ({
      nodeId,
      url,
      epoch,
      version,
      limit,
      taken,
      isOpen,
      isDraining,
      lastHeardMs: ageMs,
    })),
    waiting,
    isRedisAnswering: redis.isAnswering,
  };
}
