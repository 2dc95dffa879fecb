import { networkInterfaces } from 'node:os';

import type { Registry } from 'prom-client';

import {
  ClusterAdmission,
  ClusterRepository,
  ClusterStore,
  HopSignature,
  LossWatch,
  Membership,
  NodeClient,
  type NodeRecord,
  NodeRegistry,
  type OwnReport,
  RemoteCalls,
  SessionNews,
  SessionOwners,
} from './features/cluster/index.ts';
import type { Admission, MemoryBudget } from './features/pool/index.ts';
import { ProfileRepository } from './features/profiles/index.ts';
import type { SessionEvents, SessionService } from './features/sessions/index.ts';
import { isNodeAlive } from './is-node-alive.ts';
import { BackgroundLoop } from './lib/background-loop.ts';
import type { TypedEmitter } from './lib/typed-emitter.ts';
import type { Logger } from './platform/logger/logger.ts';
import { ClusterMetrics } from './platform/metrics/cluster-metrics.ts';
import { type Database, loadInstanceSecret } from './platform/postgres/index.ts';
import { openRedis, type Redis } from './platform/redis/index.ts';
import type { Settings } from './settings/load-settings.ts';
import { VERSION } from './version.ts';

const BEAT_INTERVAL_MS = 2_000;
const STANDING_CHECK_INTERVAL_MS = 1_000;
const LOSS_CHECK_INTERVAL_MS = 1_000;
const COMMAND_TIMEOUT_MS = 1_000;
const CONNECT_TIMEOUT_MS = 10_000;

/** What a node of a cluster is made of beside what every node is. */
export interface ClusterParts {
  readonly nodeId: string;
  readonly redis: Redis;
  readonly admission: ClusterAdmission;
  readonly registry: NodeRegistry;
  readonly membership: Membership;
  readonly signature: HopSignature;
  readonly owners: SessionOwners;
  readonly client: NodeClient;
  readonly calls: RemoteCalls;
  readonly news: SessionNews;
  readonly watch: LossWatch;
  /** Says where this node is reached, and takes sessions from then on. */
  open(url: string): Promise<void>;
  /** Tells the others what has changed of this node, without waiting for its next beat. Never rejects. */
  announce(): Promise<void>;
}

interface ClusterNeeds {
  readonly db: Database;
  readonly local: Admission;
  readonly memory: MemoryBudget;
  readonly sessions: () => SessionService;
  readonly events: TypedEmitter<SessionEvents>;
}

/** Where others reach a node that listens on `host`: there, or at the machine's first address that is not its own alone. */
export function ownUrl({ host, port }: { readonly host: string; readonly port: number }): string {
  if (host !== '0.0.0.0' && host !== '::') return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  const found = addresses.find(({ internal, family }) => !internal && family === 'IPv4');
  return `http://${found?.address ?? '127.0.0.1'}:${port}`;
}

/**
 * Makes this node one of a cluster where the settings name a Redis. What has a life is added to `stack`, and not started.
 *
 * @throws {AppError} DEPENDENCY_UNAVAILABLE when Redis cannot be reached
 */
export async function buildCluster(
  settings: Settings,
  needs: ClusterNeeds,
  { stack, logger }: { readonly stack: AsyncDisposableStack; readonly logger: Logger },
): Promise<ClusterParts | undefined> {
  const { redisUrl, nodeId } = settings;
  if (settings.mode !== 'cloud' || redisUrl === undefined) return undefined;
  const { db, local, sessions, events } = needs;
  const limits = { commandTimeoutMs: COMMAND_TIMEOUT_MS, connectTimeoutMs: CONNECT_TIMEOUT_MS };
  const redis = stack.use(await openRedis({ url: redisUrl, ...limits }, logger));
  const store = new ClusterStore(redis);
  const repository = new ClusterRepository(db);
  const signature = new HopSignature(await loadInstanceSecret(db, 'node-hops'));
  const client = stack.use(new NodeClient(signature));
  const admission = new ClusterAdmission({ nodeId, store, local, logger });
  const endSessions: SessionService['endAll'] = async (reason) => {
    // Their profiles are worn by the sessions still, which are another process's of this name.
    if (membership.isSuperseded) for (const live of sessions().live) live.leaveProfile();
    await sessions().endAll(reason);
  };
  const membership: Membership = new Membership({ nodeId, repository, store, admission, endSessions, logger });
  let url: string | null = null;
  const report = (): OwnReport => ({
    record: describeNode({ ...needs, nodeId, url, admission, epoch: membership.epoch }),
    held: admission.held,
  });
  const registry: NodeRegistry = new NodeRegistry({ store, report });
  const isHere = (id: string): boolean => sessions().isHere(id);
  const owners = new SessionOwners({ nodeId, isHere, repository, store, registry, logger });
  // Also what other nodes tell of it.
  stack.defer(events.on('eventRecorded', ({ sessionId }) => owners.forget(sessionId)));
  const announce = (): Promise<void> => registry.beat().catch(() => undefined);
  return {
    nodeId,
    redis,
    admission,
    registry,
    membership,
    signature,
    client,
    owners,
    calls: new RemoteCalls(client, nodeId),
    news: stack.use(new SessionNews({ nodeId, redis, events, logger })),
    watch: new LossWatch({
      ...{ nodeId, membership, registry, repository, store, client, logger },
      isAlive: (suspect, signal) => isNodeAlive({ client, nodeId }, suspect, signal),
      closeSessions: async (lostNodeId, ids) => {
        await sessions().closeLost(lostNodeId, ids);
        await new ProfileRepository(db, lostNodeId).freeLocks([]);
      },
    }),
    async open(reachableAt) {
      url = reachableAt;
      await announce();
    },
    announce,
  };
}

/** What a node says of itself. */
function describeNode({
  nodeId,
  epoch,
  url,
  local,
  memory,
  admission,
}: Pick<ClusterNeeds, 'local' | 'memory'> &
  Pick<NodeRecord, 'nodeId' | 'epoch' | 'url'> & { readonly admission: ClusterAdmission }): NodeRecord {
  const { limit, queueLimit, isClosed: isDraining } = local;
  const isOpen = url !== null && !isDraining && admission.isOpen && memory.hasRoomForSession;
  return { nodeId, epoch, url, version: VERSION, limit, queueLimit, isOpen, isDraining };
}

/** Joins the cluster, and begins to say that this node is there and to look after the others; until `stack` is disposed. */
export async function startCluster(
  cluster: Pick<ClusterParts, 'membership' | 'news' | 'registry' | 'watch' | 'announce'>,
  { stack, logger }: { readonly stack: AsyncDisposableStack; readonly logger: Logger },
): Promise<void> {
  const { membership, news, registry, watch } = cluster;
  await membership.join();
  stack.defer(() => membership.leave());
  await news.start();
  await cluster.announce();
  const start = (intervalMs: number, run: (signal: AbortSignal) => Promise<void>, failed: string): void => {
    // What the loops need comes back by itself, and its own parts say that it is away.
    const onFailure = (error: unknown, failures: number): void => logger.warn({ err: error, failures }, failed);
    stack.use(BackgroundLoop.start({ intervalMs, maxBackoffMs: intervalMs, run, onFailure }));
  };
  const beat = async (): Promise<void> => (membership.isSuperseded ? undefined : registry.beat());
  start(BEAT_INTERVAL_MS, beat, 'this node could not say that it is there');
  // By itself: to look after the others takes as long as they take not to answer.
  start(STANDING_CHECK_INTERVAL_MS, () => membership.check(), 'the standing of this node could not be looked up');
  start(LOSS_CHECK_INTERVAL_MS, (signal) => watch.check(signal), 'the other nodes could not be looked after');
}

/** Adds the metrics of these parts to a registry. */
export function measureCluster({ registry, redis, watch }: ClusterParts, metrics: Registry): ClusterMetrics {
  return new ClusterMetrics(metrics, {
    nodes: () => registry.present.length,
    waiting: () => registry.view.waiting,
    isRedisAnswering: () => redis.isAnswering,
    lost: () => watch.lostCount,
  });
}
