import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';

import type { FastifyBaseLogger, FastifyInstance } from 'fastify';

import {
  adoptBrowser,
  type BrowserHost,
  findOwnedBrowsers,
  openFolderRoot,
  relaunchBrowser,
  removeLeftovers,
} from './browser/index.ts';
import { auditCreates } from './audit-creates.ts';
import { buildAccess } from './build-access.ts';
import { buildCluster, type ClusterParts, measureCluster, ownUrl, startCluster } from './build-cluster.ts';
import { buildEgress, buildSessionEgress } from './build-egress.ts';
import { buildIdentities } from './build-identities.ts';
import { buildMetrics } from './build-metrics.ts';
import { buildPool, type PoolParts } from './build-pool.ts';
import { buildProfiles, type ProfileParts } from './build-profiles.ts';
import { buildProxies, type ProxyParts } from './build-proxies.ts';
import { buildRealtime, openFeed, realtimeUpgrade } from './build-realtime.ts';
import { buildInterfaces, endElsewhere } from './cluster-interfaces.ts';
import { AuditTrail } from './features/audit/index.ts';
import {
  CdpGateway,
  cdpRoutes,
  type ClientDeps,
  connectToNewSession,
  HoldBudget,
  PortRange,
  EmulationLog,
  RefusalLog,
} from './features/cdp/index.ts';
import type { Egress } from './features/egress/index.ts';
import { profileFileRoutes, profileRoutes } from './features/profiles/index.ts';
import { proxyRoutes } from './features/proxies/index.ts';
import { realtimeDocument, type RealtimeGateway, realtimeRoutes } from './features/realtime/index.ts';
import {
  pageCommands,
  pageRoutes,
  sessionCommands,
  type SessionEvents,
  type SessionFeed,
  SessionRepository,
  sessionRoutes,
  SessionService,
  SessionTokens,
  SessionView,
} from './features/sessions/index.ts';
import { findBrowserHost } from './find-browser-host.ts';
import { ConnectQuery, createHttpServer, parseConnectQuery, serviceRoutes } from './http/index.ts';
import { AppError } from './lib/app-error.ts';
import { TypedEmitter } from './lib/typed-emitter.ts';
import { openStorage } from './open-storage.ts';
import { holdDataDir } from './platform/data-dir-lock.ts';
import type { Logger } from './platform/logger/logger.ts';
import { type Database, loadInstanceSecret } from './platform/postgres/index.ts';
import { healthChecks, type ReportedParts, reportStatus } from './service-report.ts';
import type { Settings } from './settings/load-settings.ts';
import { startLoops } from './start-loops.ts';
import { dispatchUpgrades, type UpgradeRoute } from './websocket/index.ts';

const START_TIMEOUT_MS = 120_000;
const BYTES_PER_MB = 1024 ** 2;
/** CDP commands that are held back to be looked at, of all clients together. */
const MAX_HELD_BYTES = 256 * BYTES_PER_MB;
const CDP_HOST = '127.0.0.1';

const { version: VERSION } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** The whole service. Disposing it ends every session and leaves no process, port or file behind. */
export interface App extends AsyncDisposable {
  readonly http: FastifyInstance;
  /** Starts to answer requests; returns the address. */
  listen(): Promise<string>;
  /**
   * Takes no new sessions and waits for those there are to end by themselves, for the drain time at most or until `signal` is
   * aborted; then ends them. Never rejects.
   */
  drain(signal: AbortSignal): Promise<void>;
  /** Kills every browser, synchronously: for a process that exits without waiting for the disposal. */
  killBrowsers(): void;
}

/** The loggers of the parts are views of one. */
type AppLogger = Logger & FastifyBaseLogger;

/** The parts with a life of their own, in the order in which they were made. */
interface Parts extends ReportedParts, PoolParts {
  readonly host: BrowserHost;
  readonly tokens: SessionTokens;
  readonly gateway: CdpGateway;
  readonly cdpClients: ClientDeps;
  readonly events: TypedEmitter<SessionEvents>;
  readonly feed: SessionFeed;
  readonly profiles: ProfileParts;
  readonly cluster: ClusterParts | undefined;
  readonly proxies: ProxyParts;
  readonly egress: Egress;
}

/**
 * Builds and starts the whole service except its listener: the only place where concrete parts meet.
 *
 * Parts are registered for disposal as they are built, so that a failure half-way undoes what was done, and stopping
 * runs the start backwards.
 *
 * `stop` breaks the start off. @throws {HostError}, {DataDirHeldError} and what the database fails with
 */
export async function createApp(
  settings: Settings,
  logger: AppLogger,
  { processId, stop }: { readonly processId: number; readonly stop: AbortSignal },
): Promise<App> {
  await using stack = new AsyncDisposableStack();
  const signal = AbortSignal.any([stop, AbortSignal.timeout(START_TIMEOUT_MS)]);
  await mkdir(settings.dataDir, { recursive: true });
  stack.use(await holdDataDir(settings.dataDir, processId));
  const egress = stack.use(buildEgress(settings, logger));
  const host = await findBrowserHost(settings, (port) => egress.open(port), logger);
  signal.throwIfAborted();
  const db = await openStorage(settings, stack, { logger, signal });
  signal.throwIfAborted();
  await openFolderRoot(host.foldersRoot);
  const parts = await buildParts({ settings, host, egress, db, stack, logger });
  const { http, realtime } = await buildServer(settings, parts, logger);
  // From here on the others know that this node is there, and leave what it may take over alone.
  if (parts.cluster !== undefined) await startCluster(parts.cluster, { stack, logger });
  await recover(parts, settings, { logger, signal });
  const leftBehind = await parts.sessions.closeUnowned();
  if (leftBehind > 0) logger.warn({ sessions: leftBehind }, 'sessions a predecessor left behind were closed');

  // Ended before the sessions are, the server would wait for the clients that wait for the sessions.
  stack.defer(() => http.close());
  stack.use(realtime).start();
  for (const loop of startLoops(parts, settings, logger)) stack.use(loop);
  stack.defer(async () => {
    parts.admission.close();
    await parts.sessions.endAll('shutdown');
  });
  parts.pool.start();

  const owned = stack.move();
  return {
    http,
    drain: async (drainSignal) => {
      parts.admission.close();
      await parts.cluster?.announce();
      if (settings.drainTimeoutMs > 0) await parts.sessions.drain(settings.drainTimeoutMs, drainSignal);
    },
    killBrowsers: () => host.groups.killAll(),
    async listen() {
      const address = await http.listen({ port: settings.port, host: settings.host });
      const { port } = new URL(address);
      await parts.cluster?.open(settings.nodeUrl ?? ownUrl({ host: settings.host, port: Number(port) }));
      return address;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Takes over what a predecessor that was killed left running, and ends the rest of it. */
async function recover(
  { host, sessions }: Parts,
  settings: Settings,
  { logger, signal }: { logger: Logger; signal: AbortSignal },
): Promise<void> {
  const found = settings.orphans === 'adopt' ? await findOwnedBrowsers(host.foldersRoot) : [];
  const adopted = await sessions.adopt(found);
  if (sessions.live.length > 0)
    logger.info({ sessions: sessions.live.length }, 'sessions a predecessor left behind were taken over');
  const kept = {
    groups: adopted.flatMap(({ note }) => (note.display === undefined ? [note.pid] : [note.pid, note.display.pid])),
    folders: adopted.map(({ folder }) => folder.path),
  };
  const removed = await removeLeftovers(host.foldersRoot, kept, signal);
  if (removed > 0) logger.warn({ browsers: removed }, 'browsers a predecessor left behind were ended');
}

async function buildParts(base: {
  settings: Settings;
  host: BrowserHost;
  egress: Egress;
  db: Database;
  stack: AsyncDisposableStack;
  logger: AppLogger;
}): Promise<Parts> {
  const { settings, host, egress, db, stack, logger } = base;
  const { cdpPortBase, cdpPortCount } = settings;
  const identities = await buildIdentities(host, settings.dataDir, logger);
  const poolParts = buildPool(settings, { host, identities }, { stack, logger });
  const tokens = new SessionTokens(await loadInstanceSecret(db, 'session-tokens'));
  const events = new TypedEmitter<SessionEvents>((error, event) =>
    logger.error({ err: error, event }, 'listener failed'),
  );
  const cdpClients: ClientDeps = {
    refusals: new RefusalLog({ sessions: () => sessions, events, logger }),
    emulation: new EmulationLog({ sessions: () => sessions, logger }),
    holdBudget: new HoldBudget(MAX_HELD_BYTES),
  };
  const gateway: CdpGateway = new CdpGateway({
    sessions: () => sessions,
    tokens,
    ...cdpClients,
    ports: new PortRange({ base: cdpPortBase, count: cdpPortCount, host: CDP_HOST }),
    host: CDP_HOST,
    logger,
  });
  const profiles = await buildProfiles(settings, { db, identity: identities, sessions: () => sessions }, logger);
  const cluster = await buildCluster(
    settings,
    { db, local: poolParts.admission, memory: poolParts.memory, sessions: () => sessions, events, version: VERSION },
    { stack, logger },
  );
  const proxies = await buildProxies(settings, { db, dial: (...target) => egress.dial(...target) }, logger);
  stack.defer(() => proxies.store.flush());
  const sessionEgress = await buildSessionEgress({ egress, proxies, db, sessions: () => sessions, events }, logger);
  const sessions: SessionService = new SessionService({
    sessions: new SessionRepository(db, settings.nodeId),
    nodeId: settings.nodeId,
    pool: poolParts.pool,
    admission: cluster?.admission ?? poolParts.admission,
    endElsewhere: cluster && ((id) => endElsewhere(cluster, id)),
    identities,
    profiles: profiles.wardrobe,
    egress: sessionEgress,
    openPort: (...session) => gateway.openPort(...session),
    adopt: (owned, signal) => adoptBrowser(owned, host, signal),
    relaunch: (old, signal) => relaunchBrowser(old, host, signal),
    events,
    logger,
    defaults: sessionDefaults(settings),
    extensionsDir: settings.extensionsDir,
  });
  auditCreates(events, stack.use(new AuditTrail({ db, nodeId: settings.nodeId, logger })));
  const feed = await openFeed({ service: sessions, events, db }, logger);
  const shared = { host, db, tokens, gateway, cdpClients, events, sessions, feed };
  return { ...poolParts, ...shared, profiles, proxies, egress, cluster };
}

function sessionDefaults(settings: Settings): { timeoutMs: number; maxRequests: number; memoryLimitBytes: number } {
  return {
    timeoutMs: settings.sessionTimeoutMs,
    maxRequests: settings.maxRequestsPerSession,
    memoryLimitBytes: settings.memoryThresholdMb * BYTES_PER_MB,
  };
}

async function buildServer(
  settings: Settings,
  parts: Parts,
  logger: AppLogger,
): Promise<{ http: FastifyInstance; realtime: RealtimeGateway }> {
  const { sessions, tokens, host, events, feed, cluster } = parts;
  const own = {
    sessions: sessionCommands({ service: sessions, view: new SessionView(tokens) }),
    pages: pageCommands(sessions),
  };
  const metrics = buildMetrics(parts, () => realtime.clientCount);
  const clusterMetrics = cluster && measureCluster(cluster, metrics.registry);
  const interfaces = buildInterfaces(cluster, own, (kind) => clusterMetrics?.recordForwarded(kind));
  const { commands, handlers } = interfaces;
  const access = buildAccess(settings, cluster);
  const onAnswered = (call: { method: string; outcome: string }): void => metrics.recordCall(call);
  const realtime: RealtimeGateway = buildRealtime({ handlers, feed, events, logger, onAnswered });
  const http = await createHttpServer({
    logger,
    version: VERSION,
    ...access.http,
    onAnswered: ({ method, route, status, durationMs }) =>
      metrics.recordRequest({ method, route, status }, durationMs / 1_000),
  });
  interfaces.install(http);
  await http.register(sessionRoutes({ commands: commands.sessions, feed }), { prefix: '/api' });
  await http.register(pageRoutes(commands.pages), { prefix: '/api' });
  await http.register(profileRoutes(parts.profiles.commands), { prefix: '/api' });
  await http.register(profileFileRoutes(parts.profiles.commands), { prefix: '/api' });
  await http.register(proxyRoutes(parts.proxies.commands), { prefix: '/api' });
  await http.register(realtimeRoutes(realtimeDocument({ version: VERSION, connectQuery: ConnectQuery })));
  await http.register(cdpRoutes(), { prefix: '/api' });
  const node = { ...settings, version: VERSION, browserVersion: host.version, startedAt: new Date() };
  await http.register(
    serviceRoutes({
      checks: healthChecks(parts),
      advisory: cluster && { redis: () => cluster.redis.ping() },
      status: () => reportStatus(parts, node),
      metrics: metrics.registry,
    }),
  );
  await http.ready();
  const routes = [realtimeUpgrade(realtime, access.originOf), ...upgradeRoutes(parts, logger)];
  dispatchUpgrades(http.server, { logger, check: access.checkUpgrade, routes: interfaces.upgradeRoutes(routes) });
  return { http, realtime };
}

function upgradeRoutes({ gateway, sessions, cdpClients, cluster }: Parts, logger: Logger): UpgradeRoute[] {
  return [
    {
      pattern: new URLPattern({ pathname: '/connect' }),
      handle: (upgrade) =>
        connectToNewSession({ sessions, logger, ...cdpClients }, upgrade, {
          ...parseConnectQuery(upgrade.url.searchParams),
          sessionId: cluster?.signature.verify(upgrade.request)?.sessionId,
        }),
    },
    {
      pattern: new URLPattern({ pathname: '/api/sessions/:sessionId/cdp' }),
      handle: (upgrade, { sessionId = '' }) =>
        gateway.connect(upgrade, sessionId, upgrade.url.searchParams.get('token')),
    },
    {
      pattern: new URLPattern({ pathname: '/api/sessions/:sessionId/live' }),
      handle: () => Promise.reject(new AppError('NOT_AVAILABLE', 'The live view is not available in this version')),
    },
  ];
}
