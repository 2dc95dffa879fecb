import { adoptBrowser, type BrowserHost, relaunchBrowser } from './browser/index.ts';
import { buildCluster, type ClusterParts } from './build-cluster.ts';
import { buildSessionEgress } from './build-egress.ts';
import { buildIdentities } from './build-identities.ts';
import { auditSessions, buildKeys } from './build-keys.ts';
import { buildPool } from './build-pool.ts';
import { buildProfiles } from './build-profiles.ts';
import { buildProxies } from './build-proxies.ts';
import { openFeed } from './build-realtime.ts';
import { endElsewhere, reviveElsewhere } from './cluster-interfaces.ts';
import { CdpGateway, type ClientDeps, EmulationLog, HoldBudget, PortRange, RefusalLog } from './features/cdp/index.ts';
import type { Egress } from './features/egress/index.ts';
import type { Admission } from './features/pool/index.ts';
import {
  CheckpointRepository,
  SessionCheckpoints,
  type SessionEvents,
  sessionInsert,
  SessionRepository,
  SessionService,
  type SessionServiceDeps,
  SessionTokens,
} from './features/sessions/index.ts';
import { TypedEmitter } from './lib/typed-emitter.ts';
import type { Logger } from './platform/logger/logger.ts';
import type { ObjectStore } from './platform/objects/index.ts';
import { type Database, loadInstanceSecret } from './platform/postgres/index.ts';
import type { AppLogger, Parts } from './parts.ts';
import type { Settings } from './settings/load-settings.ts';

const BYTES_PER_MB = 1024 ** 2;
/** CDP commands that are held back to be looked at, of all clients together. */
const MAX_HELD_BYTES = 256 * BYTES_PER_MB;
const CDP_HOST = '127.0.0.1';

/** Builds the parts of the service, without starting any. What has a life is added to `stack`. @throws what the database and Redis fail with */
export async function buildParts(base: {
  settings: Settings;
  host: BrowserHost;
  egress: Egress;
  ownPorts: Set<number>;
  db: Database;
  objects: ObjectStore;
  stack: AsyncDisposableStack;
  logger: AppLogger;
}): Promise<Parts> {
  const { settings, host, egress, ownPorts, db, objects, stack, logger } = base;
  const identities = await buildIdentities(host, settings.dataDir, logger);
  const poolParts = buildPool(settings, { host, identities }, { stack, logger });
  const tokens = new SessionTokens(await loadInstanceSecret(db, 'session-tokens'));
  const events = newEvents(logger);
  const { gateway, cdpClients } = buildGateway(
    settings,
    { sessions: () => sessions, tokens, events, ownPorts },
    logger,
  );
  const cluster = await buildCluster(
    settings,
    { db, local: poolParts.admission, memory: poolParts.memory, sessions: () => sessions, events },
    { stack, logger },
  );
  const keys = await buildKeys(
    settings,
    { db, sessions: () => sessions, redis: cluster?.redis, signature: cluster?.signature },
    { stack, logger },
  );
  const profiles = await buildProfiles(
    settings,
    { db, objects, identity: identities, sessions: () => sessions, ownership: keys.ownership },
    logger,
  );
  const proxies = await buildProxies(settings, { db, dial: (...target) => egress.dial(...target) }, logger);
  stack.defer(() => proxies.store.flush());
  const sessionEgress = await buildSessionEgress({ egress, proxies, db, sessions: () => sessions, events }, logger);
  const sessions: SessionService = new SessionService({
    sessions: new SessionRepository(db, settings.nodeId),
    insertSession: sessionInsert(db, settings.nodeId),
    quotas: keys.quotas,
    nodeId: settings.nodeId,
    pool: poolParts.pool,
    ...clusterPorts(cluster, poolParts.admission),
    checkpoints: await buildCheckpoints(settings, db),
    identities,
    profiles: profiles.wardrobe,
    egress: sessionEgress,
    ...browserPorts(gateway, host),
    events,
    logger,
    defaults: sessionDefaults(settings),
    extensionsDir: settings.extensionsDir,
  });
  auditSessions(events, keys, () => sessions);
  const feed = await openFeed({ service: sessions, events, db }, logger);
  const own = { host, db, objects, tokens, gateway, cdpClients, events };
  return { ...poolParts, ...own, sessions, feed, profiles, proxies, keys, egress, cluster };
}

/** What sessions ask of other nodes, or of this one where it is alone. */
function clusterPorts(
  cluster: ClusterParts | undefined,
  admission: Admission,
): Pick<SessionServiceDeps, 'admission' | 'endElsewhere' | 'sendElsewhere'> {
  if (cluster === undefined) return { admission };
  return {
    admission: cluster.admission,
    endElsewhere: (id) => endElsewhere(cluster, id),
    sendElsewhere: (error, placed) => reviveElsewhere(cluster, error, placed),
  };
}

/** Seals with the key of saved profiles, which has to be the same on all nodes, or with one that is kept in the database. */
async function buildCheckpoints(
  { nodeId, profileEncryptionKey }: Pick<Settings, 'nodeId' | 'profileEncryptionKey'>,
  db: Database,
): Promise<SessionCheckpoints> {
  const own = await loadInstanceSecret(db, 'session-checkpoints');
  const keys = profileEncryptionKey === undefined ? ([own] as const) : ([profileEncryptionKey, own] as const);
  return new SessionCheckpoints({ repository: new CheckpointRepository(db, nodeId), keys });
}

function newEvents(logger: Logger): TypedEmitter<SessionEvents> {
  return new TypedEmitter((error, event) => logger.error({ err: error, event }, 'listener failed'));
}

/** What sessions do with browsers beside launching them. */
function browserPorts(
  gateway: CdpGateway,
  host: BrowserHost,
): Pick<SessionServiceDeps, 'openPort' | 'adopt' | 'relaunch'> {
  return {
    openPort: (...session) => gateway.openPort(...session),
    adopt: (owned, signal) => adoptBrowser(owned, host, signal),
    relaunch: (old, signal) => relaunchBrowser(old, host, signal),
  };
}

/** What a session gets where its create says nothing. */
function sessionDefaults(settings: Settings): { timeoutMs: number; maxRequests: number; memoryLimitBytes: number } {
  return {
    timeoutMs: settings.sessionTimeoutMs,
    maxRequests: settings.maxRequestsPerSession,
    memoryLimitBytes: settings.memoryThresholdMb * BYTES_PER_MB,
  };
}

/** What CDP clients connect to. `sessions` is asked for only once all is built. */
function buildGateway(
  { cdpPortBase: base, cdpPortCount: count }: Settings,
  parts: {
    readonly sessions: () => SessionService;
    readonly tokens: SessionTokens;
    readonly events: TypedEmitter<SessionEvents>;
    readonly ownPorts: Set<number>;
  },
  logger: Logger,
): { gateway: CdpGateway; cdpClients: ClientDeps } {
  const { sessions, tokens, events, ownPorts } = parts;
  const cdpClients: ClientDeps = {
    refusals: new RefusalLog({ sessions, events, logger }),
    emulation: new EmulationLog({ sessions, logger }),
    holdBudget: new HoldBudget(MAX_HELD_BYTES),
  };
  const ports = new PortRange({ base, count, host: CDP_HOST, listening: ownPorts });
  return { gateway: new CdpGateway({ sessions, tokens, ...cdpClients, ports, host: CDP_HOST, logger }), cdpClients };
}
