import type { IncomingMessage, Server } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import { AppError } from '../lib/app-error.ts';
import { checkTarget } from '../lib/request-target.ts';
import type { Logger } from '../platform/logger/logger.ts';
import { refuseUpgrade } from './refuse-upgrade.ts';

/** A request to change protocol, with the connection it came over. */
export interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Socket;
  /** What the client has sent after the request already. */
  readonly head: Buffer;
  readonly url: URL;
}

/** An address that speaks WebSocket. `handle` takes the socket over, or throws before it has written anything. */
export interface UpgradeRoute {
  readonly pattern: URLPattern;
  handle(upgrade: Upgrade, params: Readonly<Record<string, string | undefined>>): Promise<void>;
}

interface DispatcherOptions {
  readonly routes: readonly UpgradeRoute[];
  /** Refuses a request by throwing: foreign origins, for one. */
  readonly check: (request: IncomingMessage) => void;
  readonly logger: Logger;
}

/** Sends every upgrade request of a server to the route for its address, or refuses it with an HTTP problem. */
export function dispatchUpgrades(server: Server, { routes, check, logger }: DispatcherOptions): void {
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // Until somebody takes it over, a connection that breaks has nobody else to listen for it.
    socket.on('error', () => undefined);
    // Both a plain and a TLS server give a socket; the type only allows for others.
    if (!(socket instanceof Socket)) throw new TypeError('An upgrade came over something that is no socket');
    dispatch({ request, socket, head, url: toUrl(request) }).catch((error: unknown) =>
      refuseUpgrade({ request, socket }, error, logger),
    );
  });

  async function dispatch(upgrade: Upgrade): Promise<void> {
    checkTarget(upgrade.request);
    check(upgrade.request);
    for (const route of routes) {
      const match = route.pattern.exec({ pathname: upgrade.url.pathname });
      if (match !== null) return route.handle(upgrade, match.pathname.groups);
    }
    throw new AppError('ROUTE_NOT_FOUND', `No WebSocket is served at ${upgrade.url.pathname}`);
  }
}

/** The address of a request; only its path and query mean anything, and nothing in it changes the rest. */
export function toUrl({ url: target = '/' }: Pick<IncomingMessage, 'url'>): URL {
  return new URL(`http://localhost${target.startsWith('/') ? target : '/'}`);
}
