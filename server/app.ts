import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';

import type { Status } from '@guise/contract';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';

import { launchBrowser, removeLeftovers } from './browser/index.ts';
import { CdpGateway, PortRange } from './features/cdp/index.ts';
import { Admission, WarmPool } from './features/pool/index.ts';
import {
  pageRoutes,
  type SessionEvents,
  SessionRepository,
  sessionRoutes,
  SessionService,
  SessionTokens,
  SessionView,
  USUAL_BROWSER,
} from './features/sessions/index.ts';
import { findBrowserHost, launchLimit } from './find-browser-host.ts';
import { createHttpServer, refuseForeignOrigin, serviceRoutes } from './http/index.ts';
import { AppError } from './lib/app-error.ts';
import { BackgroundLoop } from './lib/background-loop.ts';
import { TypedEmitter } from './lib/typed-emitter.ts';
import { openStorage } from './open-storage.ts';
import type { Logger } from './platform/logger/logger.ts';
import { ServiceMetrics } from './platform/metrics/service-metrics.ts';
import { loadInstanceSecret } from './platform/postgres/index.ts';
import type { Settings } from './settings/load-settings.ts';
import { dispatchUpgrades } from './websocket/index.ts';

const LIMIT_CHECK_INTERVAL_MS = 1_000;
const LONGEST_LOOP_BACKOFF_MS = 30_000;
const START_TIMEOUT_MS = 120_000;
const CDP_HOST = '127.0.0.1';

const { version: VERSION } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** The whole service. Disposing it ends every session and leaves no process, port or file behind. */
export interface App extends AsyncDisposable {
  readonly http: FastifyInstance;
  readonly sessions: SessionService;
  readonly pool: WarmPool;
  /** Starts to answer requests; returns the address. */
  listen(): Promise<string>;
}

/** The loggers of the parts are views of one. */
type AppLogger = Logger & FastifyBaseLogger;

/**
 * Builds and starts the whole service except its listener: the only place where concrete parts meet.
 *
 * Parts are registered for disposal as they are built, so that a failure half-way undoes what was done, and stopping
 * runs the start backwards.
 *
 * @throws {HostError} and what the database fails with
 */
export async function createApp(settings: Settings, logger: AppLogger): Promise<App> {
  await using stack = new AsyncDisposableStack();
  const signal = AbortSignal.timeout(START_TIMEOUT_MS);
  await mkdir(settings.dataDir, { recursive: true });
  const [host, db] = await Promise.all([
    findBrowserHost(settings, logger),
    openStorage(settings, stack, { logger, signal }),
  ]);
  const removed = await removeLeftovers(host.foldersRoot, signal);
  if (removed > 0) logger.warn({ browsers: removed }, 'browsers a predecessor left behind were ended');

  const pool = new WarmPool({
    size: settings.warmPoolSize,
    spec: USUAL_BROWSER,
    launch: (spec, abort) => launchBrowser(spec, host, abort),
    launchLimit: launchLimit(),
    logger,
  });
  stack.use(pool);
  const admission = new Admission({
    limit: settings.maxSessions,
    queueLimit: settings.queueLimit,
    queueTimeoutMs: settings.queueTimeoutMs,
  });

  const tokens = new SessionTokens(await loadInstanceSecret(db, 'session-tokens'));
  const gateway: CdpGateway = new CdpGateway({
    sessions: () => sessions,
    tokens,
    ports: new PortRange({ base: settings.cdpPortBase, count: settings.cdpPortCount, host: CDP_HOST }),
    host: CDP_HOST,
    logger,
  });
  const events = new TypedEmitter<SessionEvents>((error, event) =>
    logger.error({ err: error, event }, 'listener failed'),
  );
  const sessions: SessionService = new SessionService({
    sessions: new SessionRepository(db, settings.nodeId),
    pool,
    admission,
    openPort: (sessionId, browser) => gateway.openPort(sessionId, browser),
    events,
    logger,
    defaultTimeoutMs: settings.sessionTimeoutMs,
    extensionsDir: settings.extensionsDir,
  });
  const leftBehind = await sessions.closeLeftBehind();
  if (leftBehind > 0) logger.warn({ sessions: leftBehind }, 'sessions a predecessor left behind were closed');

  const metrics = new ServiceMetrics({
    liveSessions: () => sessions.liveCount,
    sessionLimit: () => admission.limit,
    queuedCreates: () => admission.waiting,
    warmBrowsers: () => pool.readyCount,
    cdpClients: () => sessions.clientCount,
  });
  events.on('stateChanged', ({ state, closeReason }) => metrics.recordTransition(state, closeReason));
  events.on('created', ({ outcome, durationMs }) => metrics.recordCreate(outcome, durationMs / 1_000));

  const http = await createHttpServer({ logger, version: VERSION, refusesForeignOrigins: true });
  stack.defer(() => http.close());
  http.addHook('onResponse', async ({ method, routeOptions }, { statusCode, elapsedTime }) => {
    const labels = { method, route: routeOptions.url ?? 'unknown', status: statusCode };
    metrics.recordRequest(labels, elapsedTime / 1_000);
  });
  const view = new SessionView(tokens);
  await http.register(sessionRoutes(sessions, view), { prefix: '/api' });
  await http.register(pageRoutes(sessions), { prefix: '/api' });
  const startedAt = new Date();
  await http.register(
    serviceRoutes({
      checks: {
        database: (abort) => db.ping(abort),
        browser: async () => {
          if (pool.lastFailure !== undefined)
            throw new Error('The last browser did not start', { cause: pool.lastFailure });
        },
        intake: async () => {
          if (admission.isClosed) throw new Error('This node is shutting down');
        },
      },
      status: (): Status => ({
        nodeId: settings.nodeId,
        version: VERSION,
        mode: settings.mode,
        browserVersion: host.version,
        startedAt: startedAt.toISOString(),
        uptimeSeconds: Math.floor((Date.now() - startedAt.getTime()) / 1_000),
        draining: admission.isClosed,
        sessions: {
          live: sessions.liveCount,
          limit: admission.limit,
          queued: admission.waiting,
          queueLimit: admission.queueLimit,
          cdpClients: sessions.clientCount,
        },
        warmPool: { size: pool.size, ready: pool.readyCount, starting: pool.startingCount },
      }),
      metrics: metrics.registry,
    }),
  );
  await http.ready();
  dispatchUpgrades(http.server, {
    logger,
    check: refuseForeignOrigin,
    routes: [
      {
        pattern: new URLPattern({ pathname: '/api/sessions/:sessionId/cdp' }),
        handle: (upgrade, { sessionId = '' }) =>
          gateway.connect(upgrade, sessionId, upgrade.url.searchParams.get('token')),
      },
      {
        pattern: new URLPattern({ pathname: '/api/sessions/:sessionId/live' }),
        handle: async () => {
          throw new AppError('NOT_AVAILABLE', 'The live view is not available in this version');
        },
      },
    ],
  });
  const limits = BackgroundLoop.start({
    intervalMs: LIMIT_CHECK_INTERVAL_MS,
    maxBackoffMs: LONGEST_LOOP_BACKOFF_MS,
    run: () => sessions.checkLimits(),
    onFailure: (error, failures) => logger.error({ err: error, failures }, 'sessions could not be checked'),
  });
  stack.use(limits);
  stack.defer(async () => {
    admission.close();
    await sessions.endAll('shutdown');
  });
  pool.start();

  const owned = stack.move();
  return {
    http,
    sessions,
    pool,
    listen: () => http.listen({ port: settings.port, host: settings.host }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
