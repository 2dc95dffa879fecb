import type { CreateSession } from '@guise/contract';

import { AppError } from '../../lib/app-error.ts';
import type { Logger } from '../../platform/logger/logger.ts';
import type { SessionService } from '../sessions/index.ts';
import { checkHandshake, type IncomingClient, joinBrowser } from './cdp-relay.ts';

/** Header of the answer that says which session was made for the connection. */
const SESSION_HEADER = 'X-Guise-Session-Id';

interface CreateOnConnectDeps {
  readonly sessions: Pick<SessionService, 'create' | 'end' | 'findLive'>;
  readonly logger: Logger;
}

/** What a client that connects wants: a session of these options, kept this long after its last client has gone. */
export interface ConnectRequest {
  readonly options: CreateSession;
  readonly keepAliveMs: number;
}

/**
 * Makes a session for a client that connects, and ends it when its last client has gone.
 *
 * The session is an ordinary one: others may join it, and it is seen and ended over REST. A client that is gone before its
 * browser is there leaves a session that nobody uses, which then ends like any other.
 *
 * @throws {AppError} UPGRADE_REQUIRED, and as `SessionService.create`, before any upgrade
 */
export async function connectToNewSession(
  { sessions, logger }: CreateOnConnectDeps,
  incoming: IncomingClient,
  { options, keepAliveMs }: ConnectRequest,
): Promise<void> {
  checkHandshake(incoming.request);
  const { id } = await sessions.create(options, new AbortController().signal);
  const end = (): void => {
    sessions.end(id, 'client_disconnected').catch((error: unknown) => {
      logger.warn({ err: error, sessionId: id }, 'session of a client that has gone could not be ended');
    });
  };
  const live = sessions.findLive(id);
  if (live === undefined) throw new AppError('SESSION_ENDED', 'The session ended before its client could be connected');
  try {
    const { pathname } = live.browser.endpoint;
    await joinBrowser(incoming, live, { path: pathname, headers: { [SESSION_HEADER]: id } });
  } catch (error) {
    end();
    throw error;
  }
  live.endWhenUnused(keepAliveMs, end);
}
