import type { FastifyInstance } from 'fastify';

import { buildAccess } from './build-access.ts';
import { measureCluster } from './build-cluster.ts';
import { measureEgress } from './build-egress.ts';
import { measurePool } from './build-pool.ts';
import { buildRealtime, realtimeUpgrade } from './build-realtime.ts';
import { joinInterfaces } from './cluster-interfaces.ts';
import { cdpRoutes, connectToNewSession } from './features/cdp/index.ts';
import { profileFileRoutes, profileRoutes } from './features/profiles/index.ts';
import { proxyRoutes } from './features/proxies/index.ts';
import { realtimeDocument, type RealtimeGateway, realtimeRoutes } from './features/realtime/index.ts';
import { pageCommands, pageRoutes, sessionCommands, sessionRoutes, SessionView } from './features/sessions/index.ts';
import { ConnectQuery, createHttpServer, parseConnectQuery, serviceRoutes } from './http/index.ts';
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
  const { sessions, tokens, host, events, feed, cluster } = parts;
  const own = {
    sessions: sessionCommands({ service: sessions, view: new SessionView(tokens) }),
    pages: pageCommands(sessions),
  };
  const metrics = buildMetrics(parts, () => realtime.clientCount);
  const clusterMetrics = cluster && measureCluster(cluster, metrics.registry);
  const joined = joinInterfaces(cluster, own, (kind) => clusterMetrics?.recordForwarded(kind));
  const { commands, handlers } = joined;
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
  joined.install(http);
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
  dispatchUpgrades(http.server, { logger, check: access.checkUpgrade, routes: joined.upgradeRoutes(routes) });
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
