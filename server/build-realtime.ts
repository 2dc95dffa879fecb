import type { IncomingMessage } from 'node:http';

import type { GuardUpgrade } from './build-keys.ts';
import {
  type AnsweredCall,
  type CallAccess,
  guardedHandlers,
  REALTIME_LIMITS,
  REALTIME_PATH,
  RealtimeGateway,
  type RealtimeHandlers,
  RpcDispatcher,
} from './features/realtime/index.ts';
import {
  SessionEventRepository,
  type SessionEvents,
  SessionFeed,
  type SessionService,
} from './features/sessions/index.ts';
import { compileCheck } from './http/index.ts';
import type { TypedEmitter } from './lib/typed-emitter.ts';
import type { Logger } from './platform/logger/logger.ts';
import type { Database } from './platform/postgres/index.ts';
import type { UpgradeRoute } from './websocket/index.ts';

/** What the real-time interface is made of. */
interface RealtimeParts {
  readonly handlers: RealtimeHandlers;
  readonly access: CallAccess;
  readonly feed: SessionFeed;
  readonly events: TypedEmitter<SessionEvents>;
  readonly logger: Logger;
  readonly onAnswered: (call: AnsweredCall) => void;
}

/** Opens the feed of what happens to sessions, with the events of a database that was restored from a dump in order. */
export async function openFeed(
  { db, ...parts }: Pick<RealtimeParts, 'events'> & { readonly service: SessionService; readonly db: Database },
  logger: Logger,
): Promise<SessionFeed> {
  const repository = new SessionEventRepository(db);
  const restored = await repository.adoptRestored();
  if (restored > 0) logger.warn({ events: restored }, 'events of a restored database were put in order');
  return new SessionFeed({ ...parts, repository });
}

/** Puts the real-time interface together, on the commands that REST is on. The caller must dispose it. */
export function buildRealtime({ handlers, access, feed, events, logger, onAnswered }: RealtimeParts): RealtimeGateway {
  const guarded = guardedHandlers(handlers, access);
  const dispatcher = new RpcDispatcher({ handlers: guarded, compileCheck, logger, onAnswered });
  return new RealtimeGateway({ dispatcher, feed, events, limits: REALTIME_LIMITS, logger });
}

/** The address of the real-time interface. */
export function realtimeUpgrade(
  gateway: RealtimeGateway,
  guard: GuardUpgrade,
  originOf: (request: IncomingMessage) => string,
): UpgradeRoute {
  return {
    pattern: new URLPattern({ pathname: REALTIME_PATH }),
    handle: guard('connectRealtime', (upgrade, { actor, ended }) =>
      gateway.accept(upgrade, { origin: originOf(upgrade.request), actor, ended }),
    ),
  };
}
