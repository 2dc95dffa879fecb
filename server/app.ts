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
import { buildEgress, buildSessionEgress, measureEgress } from './build-egress.ts';
import { buildIdentities } from './build-identities.ts';
import { auditSessions, buildKeys, type KeyParts } from './build-keys.ts';
import { buildPool, measurePool, type PoolParts } from './build-pool.ts';
import { buildProfiles, type ProfileParts } from './build-profiles.ts';
import { buildProxies, type ProxyParts } from './build-proxies.ts';
import { buildRealtime, openFeed, realtimeUpgrade } from './build-realtime.ts';
import { auditRoutes } from './features/audit/index.ts';
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
import { keyRoutes, sessionsExceeded } from './features/keys/index.ts';
import { profileFileRoutes, profileRoutes } from './features/profiles/index.ts';
import { proxyRoutes } from './features/proxies/index.ts';
import { realtimeDocument, type RealtimeGateway, realtimeRoutes } from './features/realtime/index.ts';
import {
  pageCommands,
  pageRoutes,
  sessionCommands,
  sessionInsert,
  type SessionEvents,
  type SessionFeed,
  SessionRepository,
  sessionRoutes,
  SessionService,
  SessionTokens,
  SessionView,
} from './features/sessions/index.ts';
import { findBrowserHost } from './find-browser-host.ts';
import { ConnectQuery, createHttpServer, parseConnectQuery, refuseForeignOrigin, serviceRoutes } from './http/index.ts';
import { AppError } from './lib/app-error.ts';
import { TypedEmitter } from './lib/typed-emitter.ts';
import { openStorage } from './open-storage.ts';
import { holdDataDir } from './platform/data-dir-lock.ts';
import type { Logger } from './platform/logger/logger.ts';
import { ServiceMetrics } from './platform/metrics/service-metrics.ts';
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
  readonly proxies: ProxyParts;
  readonly keys: KeyParts;
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
  await recover(parts, settings, { logger, signal });
  const leftBehind = await parts.sessions.closeUnowned();
  if (leftBehind > 0) logger.warn({ sessions: leftBehind }, 'sessions a predecessor left behind were closed');

  const { http, realtime } = await buildInterfaces(settings, parts, logger);
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
      if (settings.drainTimeoutMs > 0) await parts.sessions.drain(settings.drainTimeoutMs, drainSignal);
    },
    killBrowsers: () => host.groups.killAll(),
    listen: () => http.listen({ port: settings.port, host: settings.host }),
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
  const keys = await buildKeys(settings, { db, sessions: () => sessions }, { stack, logger });
  const { ownership, quotas } = keys;
  const profiles = await buildProfiles(
    settings,
    { db, identity: identities, sessions: () => sessions, ownership },
    logger,
  );
  const proxies = await buildProxies(settings, { db, dial: (...target) => egress.dial(...target) }, logger);
  const sessionEgress = await buildSessionEgress({ egress, proxies, db, sessions: () => sessions, events }, logger);
  const sessions: SessionService = new SessionService({
    sessions: new SessionRepository(db, settings.nodeId),
    insertSession: sessionInsert(db, settings.nodeId),
    quotas: { checkCreate: (actor) => quotas.checkCreate(actor), sessionsExceeded },
    nodeId: settings.nodeId,
    pool: poolParts.pool,
    admission: poolParts.admission,
    identities,
    profiles: profiles.wardrobe,
    egress: sessionEgress,
    openPort: (...session) => gateway.openPort(...session),
    adopt: (owned, signal) => adoptBrowser(owned, host, signal),
    relaunch: (old, signal) => relaunchBrowser(old, host, signal),
    events,
    logger,
    defaults: {
      timeoutMs: settings.sessionTimeoutMs,
      maxRequests: settings.maxRequestsPerSession,
      memoryLimitBytes: settings.memoryThresholdMb * BYTES_PER_MB,
    },
    extensionsDir: settings.extensionsDir,
  });
  auditSessions(events, keys, () => sessions);
  const feed = await openFeed({ service: sessions, events, db }, logger);
  return {
    ...poolParts,
    host,
    db,
    tokens,
    gateway,
    cdpClients,
    events,
    sessions,
    feed,
    profiles,
    proxies,
    egress,
    keys,
  };
}

async function buildInterfaces(
  settings: Settings,
  parts: Parts,
  logger: AppLogger,
): Promise<{ http: FastifyInstance; realtime: RealtimeGateway }> {
  const { sessions, tokens, host, events, feed, keys } = parts;
  const commands = {
    sessions: sessionCommands({ service: sessions, view: new SessionView(tokens) }),
    pages: pageCommands(sessions),
  };
  const metrics = buildMetrics(parts, () => realtime.clientCount);
  const onAnswered = (call: { method: string; outcome: string }): void => metrics.recordCall(call);
  const realtime: RealtimeGateway = buildRealtime({
    commands,
    access: keys.callAccess,
    feed,
    events,
    logger,
    onAnswered,
  });
  const http = await createHttpServer({
    logger,
    version: VERSION,
    refusesForeignOrigins: true,
    access: keys.requestAccess,
    takesKey: keys.takesKey,
    onAnswered: ({ method, route, status, durationMs }) =>
      metrics.recordRequest({ method, route, status }, durationMs / 1_000),
  });
  await http.register(sessionRoutes({ commands: commands.sessions, feed }), { prefix: '/api' });
  await http.register(pageRoutes(commands.pages), { prefix: '/api' });
  await http.register(profileRoutes(parts.profiles.commands), { prefix: '/api' });
  await http.register(profileFileRoutes(parts.profiles.commands), { prefix: '/api' });
  await http.register(proxyRoutes(parts.proxies.commands), { prefix: '/api' });
  await http.register(keyRoutes(keys.commands), { prefix: '/api' });
  await http.register(auditRoutes(keys.auditRepository), { prefix: '/api' });
  await http.register(realtimeRoutes(realtimeDocument({ version: VERSION, connectQuery: ConnectQuery })));
  await http.register(cdpRoutes(), { prefix: '/api' });
  const node = { ...settings, version: VERSION, browserVersion: host.version, startedAt: new Date() };
  await http.register(
    serviceRoutes({
      checks: healthChecks(parts),
      status: () => reportStatus(parts, node),
      metrics: metrics.registry,
    }),
  );
  await http.ready();
  const routes = [realtimeUpgrade(realtime, keys.guardUpgrade), ...upgradeRoutes(parts, logger)];
  dispatchUpgrades(http.server, { logger, check: refuseForeignOrigin, routes });
  return { http, realtime };
}

function upgradeRoutes({ gateway, sessions, cdpClients, keys }: Parts, logger: Logger): UpgradeRoute[] {
  return [
    {
      pattern: new URLPattern({ pathname: '/connect' }),
      handle: keys.guardUpgrade('connectSession', async (upgrade, { actor, ended }) => {
        const request = { ...parseConnectQuery(upgrade.url.searchParams), actor };
        ended.addEventListener('abort', () => upgrade.socket.destroy());
        await connectToNewSession({ sessions, logger, ...cdpClients }, upgrade, request);
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

function buildMetrics(
  { sessions, admission, events, egress, ...pool }: Parts,
  realtimeClients: () => number,
): ServiceMetrics {
  const metrics = new ServiceMetrics({
    liveSessions: () => sessions.live.length,
    sessionLimit: () => admission.limit,
    queuedCreates: () => admission.waiting,
    cdpClients: () => sessions.clientCount,
    realtimeClients,
  });
  events.on('stateChanged', ({ state, closeReason }) => metrics.recordTransition(state, closeReason));
  events.on('healthChecked', ({ outcome }) => metrics.recordHealthCheck(outcome));
  events.on('commandRefused', () => metrics.recordRefusedCommand());
  events.on('created', ({ outcome, durationMs }) => metrics.recordCreate(outcome, durationMs / 1_000));
  measurePool(pool, metrics.registry);
  measureEgress({ egress, events }, metrics.registry);
  return metrics;
}
