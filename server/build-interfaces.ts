import type { FastifyInstance } from 'fastify';

import { measureCluster } from './build-cluster.ts';
import { measureEgress } from './build-egress.ts';
import type { Connected } from './build-keys.ts';
import { measurePool } from './build-pool.ts';
import { buildRealtime, realtimeUpgrade } from './build-realtime.ts';
import { type Interfaces, joinInterfaces } from './cluster-interfaces.ts';
import { auditRoutes } from './features/audit/index.ts';
import { cdpRoutes, connectToNewSession } from './features/cdp/index.ts';
import { keyRoutes } from './features/keys/index.ts';
import { profileFileRoutes, profileRoutes } from './features/profiles/index.ts';
import { proxyRoutes } from './features/proxies/index.ts';
import { realtimeDocument, type RealtimeGateway, realtimeRoutes } from './features/realtime/index.ts';
import { pageCommands, pageRoutes, sessionCommands, sessionRoutes, SessionView } from './features/sessions/index.ts';
import {
  ConnectQuery,
  createHttpServer,
  parseConnectQuery,
  refuseForeignOrigin,
  serviceRoutes,
  upgradeOrigin,
} from './http/index.ts';
import { AppError } from './lib/app-error.ts';
import type { Logger } from './platform/logger/logger.ts';
import { ServiceMetrics } from './platform/metrics/service-metrics.ts';
import type { AppLogger, Parts } from './parts.ts';
import { healthChecks, reportStatus } from './service-report.ts';
import type { Settings } from './settings/load-settings.ts';
import { VERSION } from './version.ts';
import { dispatchUpgrades, type UpgradeRoute } from './websocket/index.ts';

/** Puts the parts behind their interfaces: REST, WebSockets, metrics. Nothing listens yet. */
export async function buildInterfaces(
  settings: Settings,
  parts: Parts,
  logger: AppLogger,
): Promise<{ http: FastifyInstance; realtime: RealtimeGateway }> {
  const { sessions, tokens, host, events, feed, keys, cluster } = parts;
  const isOpenToPages = settings.mode === 'cloud';
  const own = {
    sessions: sessionCommands({ service: sessions, view: new SessionView(tokens) }),
    pages: pageCommands(sessions),
  };
  const metrics = buildMetrics(parts, () => realtime.clientCount);
  const clusterMetrics = cluster && measureCluster(cluster, metrics.registry);
  const joined = joinInterfaces(cluster, own, {
    onForwarded: (kind) => clusterMetrics?.recordForwarded(kind),
    revive: (id, fromNodeId) => sessions.revive(id, fromNodeId),
  });
  const { commands, handlers } = joined;
  const onAnswered = (call: { method: string; outcome: string }): void => metrics.recordCall(call);
  const realtime: RealtimeGateway = buildRealtime({
    handlers,
    access: keys.callAccess,
    feed,
    events,
    logger,
    onAnswered,
  });
  const http = await createHttpServer({
    logger,
    version: VERSION,
    refusesForeignOrigins: !isOpenToPages,
    trustedProxies: settings.trustedProxies,
    access: keys.requestAccess,
    takesKey: keys.takesKey,
    onAnswered: ({ method, route, status, durationMs }) =>
      metrics.recordRequest({ method, route, status }, durationMs / 1_000),
  });
  joined.install(http);
  await registerRoutes(http, parts, commands);
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
  const originOf = upgradeOrigin(settings.trustedProxies);
  const routes = [
    realtimeUpgrade(realtime, keys.guardUpgrade, originOf),
    ...joined.upgradeRoutes(sessionUpgrades(parts)),
    connectUpgrade(parts, joined, logger),
  ];
  dispatchUpgrades(http.server, { logger, check: isOpenToPages ? () => undefined : refuseForeignOrigin, routes });
  return { http, realtime };
}

/** What clients ask of resources. */
async function registerRoutes(
  http: FastifyInstance,
  { feed, profiles, proxies, keys }: Parts,
  commands: Interfaces['commands'],
): Promise<void> {
  const prefix = '/api';
  await http.register(sessionRoutes({ commands: commands.sessions, feed }), { prefix });
  await http.register(pageRoutes(commands.pages), { prefix });
  await http.register(profileRoutes(profiles.commands), { prefix });
  await http.register(profileFileRoutes(profiles.commands), { prefix });
  await http.register(proxyRoutes(proxies.commands), { prefix });
  await http.register(keyRoutes(keys.commands), { prefix });
  await http.register(auditRoutes(keys.auditRepository), { prefix });
  await http.register(realtimeRoutes(realtimeDocument({ version: VERSION, connectQuery: ConnectQuery })));
  await http.register(cdpRoutes(), { prefix });
}

/** The address that makes a session for who connects to it. */
function connectUpgrade(
  { sessions, cdpClients, keys }: Parts,
  joined: Pick<Interfaces, 'placing'>,
  logger: Logger,
): UpgradeRoute {
  const handle = joined.placing<Connected>(async (upgrade, { actor, ended }, sessionId) => {
    const request = { ...parseConnectQuery(upgrade.url.searchParams), actor, sessionId };
    ended.addEventListener('abort', () => upgrade.socket.destroy());
    await connectToNewSession({ sessions, logger, ...cdpClients }, upgrade, request);
  });
  return { pattern: new URLPattern({ pathname: '/connect' }), handle: keys.guardUpgrade('connectSession', handle) };
}

/** Addresses of one session, which take its token. */
function sessionUpgrades({ gateway }: Pick<Parts, 'gateway'>): UpgradeRoute[] {
  return [
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
  events.on('restored', ({ outcome }) => metrics.recordRestored(outcome));
  events.on('created', ({ outcome, durationMs }) => metrics.recordCreate(outcome, durationMs / 1_000));
  measurePool(pool, metrics.registry);
  measureEgress({ egress, events }, metrics.registry);
  return metrics;
}
