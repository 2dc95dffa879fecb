import type { FastifyBaseLogger } from 'fastify';

import type { BrowserHost } from './browser/index.ts';
import type { PoolParts } from './build-pool.ts';
import type { ProfileParts } from './build-profiles.ts';
import type { ProxyParts } from './build-proxies.ts';
import type { CdpGateway, ClientDeps } from './features/cdp/index.ts';
import type { Egress } from './features/egress/index.ts';
import type { SessionEvents, SessionFeed, SessionTokens } from './features/sessions/index.ts';
import type { TypedEmitter } from './lib/typed-emitter.ts';
import type { Logger } from './platform/logger/logger.ts';
import type { ReportedParts } from './service-report.ts';

/** The loggers of the parts are views of one. */
export type AppLogger = Logger & FastifyBaseLogger;

/** The parts with a life of their own, in the order in which they were made. */
export interface Parts extends ReportedParts, PoolParts {
  readonly host: BrowserHost;
  readonly tokens: SessionTokens;
  readonly gateway: CdpGateway;
  readonly cdpClients: ClientDeps;
  readonly events: TypedEmitter<SessionEvents>;
  readonly feed: SessionFeed;
  readonly profiles: ProfileParts;
  readonly proxies: ProxyParts;
  readonly egress: Egress;
}
