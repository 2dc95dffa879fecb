import type { CreateSession } from '@guise/contract';

import type { Actor } from '../../lib/actor.ts';
import { AppError } from '../../lib/app-error.ts';
import type { Logger } from '../../platform/logger/logger.ts';
import { checkHandshake } from '../../websocket/index.ts';
import type { SessionService } from '../sessions/index.ts';
import { type ClientDeps, type IncomingClient, joinBrowser } from './cdp-relay.ts';
import { WaitingClient } from './waiting-client.ts';

/** Header of the answer that says which session was made for the connection. */
const SESSION_HEADER = 'X-Guise-Session-Id';

interface CreateOnConnectDeps extends ClientDeps {
  readonly sessions: Pick<SessionService, 'create' | 'end' | 'findLive'>;
  readonly logger: Logger;
}

/** What a client that connects wants: a session of these options, kept this long after its last client has gone. */
export interface ConnectRequest {
  readonly options: CreateSession;
  readonly keepAliveMs: number;
  readonly actor: Actor;
  /** The id the session has its place under, where another node has got it one here. */
  readonly sessionId?: string | undefined;
}

/**
 * Makes a session for a client that connects, and ends it when its last client has gone.
 *
 * The session is an ordinary one: others may join it, and it is seen and ended over REST. When the client is gone before its
 * browser is there, the create is broken off wherever it is, and nothing is left of it.
 *
 * @throws {AppError} UPGRADE_REQUIRED, and as `SessionService.create`, before any upgrade
 */
export async function connectToNewSession(
  { sessions, logger, ...shared }: CreateOnConnectDeps,
  incoming: IncomingClient,
  { keepAliveMs, ...request }: ConnectRequest,
): Promise<void> {
  checkHandshake(incoming.request);
  using waiting = new WaitingClient(incoming);
  const id = await create(sessions, request, waiting.signal);
  if (id === undefined) {
    logger.info({}, 'client went away before its session was there');
    incoming.socket.destroy();
    return;
  }
  const end = (): void => {
    sessions.end(id, 'client_disconnected').catch((error: unknown) => {
      logger.warn({ err: error, sessionId: id }, 'session of a client that has gone could not be ended');
    });
  };
  const live = sessions.findLive(id);
  if (live === undefined) throw new AppError('SESSION_ENDED', 'The session ended before its client could be connected');
  try {
    const { pathname } = live.browser.endpoint;
    await joinBrowser(waiting.take(), live, { ...shared, path: pathname, headers: { [SESSION_HEADER]: id } });
  } catch (error) {
    end();
    throw error;
  }
  live.endWhenUnused(keepAliveMs, end);
}

/** Creates the session; undefined when the client went away first, which leaves no session. */
async function create(
  sessions: CreateOnConnectDeps['sessions'],
  { options, actor, sessionId }: Pick<ConnectRequest, 'options' | 'actor' | 'sessionId'>,
  gone: AbortSignal,
): Promise<string | undefined> {
  try {
    return (await sessions.create(options, { actor, signal: gone, sessionId })).id;
  } catch (error) {
    if (gone.aborted) return undefined;
    throw error;
  }
}
