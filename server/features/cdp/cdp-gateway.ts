import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

import type { Browser } from '../../browser/index.ts';
import { AppError } from '../../lib/app-error.ts';
import { once } from '../../lib/once.ts';
import { toFailure, toProblemDocument } from '../../lib/problem-document.ts';
import type { Logger } from '../../platform/logger/logger.ts';
import { refuseUpgrade, toUrl } from '../../websocket/index.ts';
import type { LiveSession, SessionPort, SessionService, SessionTokens } from '../sessions/index.ts';
import { type ClientDeps, type IncomingClient, joinBrowser } from './cdp-relay.ts';
import { answerDebuggingRequest } from './debugging-http.ts';
import type { PortRange } from './port-range.ts';

const TARGET_PATH = /^\/devtools\/(browser|page)\/[\w-]+$/;
const LOOPBACK = ['127.0.0.1', '::1', 'localhost'];

interface CdpGatewayDeps extends ClientDeps {
  readonly sessions: () => Pick<SessionService, 'use'>;
  readonly tokens: SessionTokens;
  readonly ports: PortRange;
  /** Address the sessions' own ports listen on. */
  readonly host: string;
  readonly logger: Logger;
}

/**
 * Lets clients speak CDP with a session's browser: at the session's address behind the API, and at a port of the
 * session's own that looks like an ordinary Chrome's debugging port.
 *
 * The browser's real port is on loopback and never told to anybody.
 */
export class CdpGateway {
  readonly #deps: CdpGatewayDeps;

  constructor(deps: CdpGatewayDeps) {
    this.#deps = deps;
  }

  /**
   * Joins a client to a session's browser-level endpoint.
   *
   * @throws {AppError} UNAUTHORIZED, SESSION_NOT_FOUND, SESSION_ENDED, UPGRADE_REQUIRED before any upgrade
   */
  async connect(incoming: IncomingClient, sessionId: string, token: string | null): Promise<void> {
    this.#authenticate(sessionId, token);
    const live = await this.#deps.sessions().use(sessionId);
    await joinBrowser(incoming, live, { ...this.#deps, path: live.browser.endpoint.pathname });
  }

  /**
   * Opens a session's own debugging port, for the browser that `held` has at the time: `preferred` where that is free. The
   * caller must dispose it.
   *
   * @throws {AppError} CAPACITY_EXHAUSTED
   */
  async openPort(sessionId: string, held: { readonly current: Browser }, preferred?: number): Promise<SessionPort> {
    const { ports, logger } = this.#deps;
    const server = createServer({ shouldUpgradeCallback: isWebSocket }, (request, response) => {
      this.#answer({ request, response, sessionId, browser: held.current }).catch((error: unknown) =>
        this.#refuse(request, response, error),
      );
    });
    server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      socket.on('error', () => undefined);
      this.#join({ request, socket, head }, sessionId).catch((error: unknown) =>
        refuseUpgrade({ request, socket }, error, logger),
      );
    });
    const port = await ports.listen(server, preferred);
    return {
      port,
      [Symbol.asyncDispose]: once(async () => {
        stopListening(server);
        ports.release(port);
      }),
    };
  }

  async #join(incoming: IncomingClient, sessionId: string): Promise<void> {
    const { pathname, searchParams } = toUrl(incoming.request);
    this.#checkPortRequest(incoming.request, sessionId, searchParams.get('token'));
    if (!TARGET_PATH.test(pathname)) throw new AppError('TARGET_NOT_FOUND', `There is no target at ${pathname}`);
    const live: LiveSession = await this.#deps.sessions().use(sessionId);
    await joinBrowser(incoming, live, { ...this.#deps, path: pathname });
  }

  async #answer(parts: {
    request: IncomingMessage;
    response: ServerResponse;
    sessionId: string;
    browser: Browser;
  }): Promise<void> {
    const { request, response, sessionId, browser } = parts;
    const url = toUrl(request);
    const token = url.searchParams.get('token');
    this.#checkPortRequest(request, sessionId, token);
    await answerDebuggingRequest({ request, url, token }, response, browser);
  }

  /**
   * On loopback the port is open to programs of this machine, as Chrome's own is, but not to browsers, whose pages could
   * read other sessions through it: they give themselves away by Sec-Fetch-Site, by their Origin, or by a Host that was
   * made to point here (DNS rebinding).
   */
  #checkPortRequest({ headers }: IncomingMessage, sessionId: string, token: string | null): void {
    const { origin, host = '', 'sec-fetch-site': fetchSite } = headers;
    // A browser that is sent here says so, also where no page did it; programs have nothing to say.
    if (fetchSite !== undefined || (origin !== undefined && !origin.startsWith('devtools://'))) {
      throw new AppError('ORIGIN_NOT_ALLOWED', 'Browsers may not use a debugging port');
    }
    if (!LOOPBACK.includes(this.#deps.host)) {
      this.#authenticate(sessionId, token);
      return;
    }
    const name = URL.parse(`http://${host}`)?.hostname ?? '';
    if (name !== 'localhost' && !/^[\d.]+$|^\[/.test(name)) {
      throw new AppError('ORIGIN_NOT_ALLOWED', 'The Host header must be an IP address or localhost');
    }
  }

  #authenticate(sessionId: string, token: string | null): void {
    if (this.#deps.tokens.verify(sessionId, 'drive', token ?? undefined)) return;
    throw new AppError('UNAUTHORIZED', 'Connect with the token that is part of the cdpUrl of the session');
  }

  #refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const id = randomUUID();
    if (!(error instanceof AppError)) this.#deps.logger.warn({ err: error, requestId: id }, 'browser did not answer');
    const failure =
      error instanceof AppError
        ? toFailure(error)
        : { code: 'TARGET_NOT_FOUND' as const, detail: 'The browser does not answer' };
    const problem = toProblemDocument(failure, { path: request.url ?? '/', id });
    response.writeHead(problem.status, { 'Content-Type': 'application/problem+json' });
    response.end(JSON.stringify(problem));
  }
}

/** Other protocols a client may offer, such as h2c, are declined by answering as usual. */
function isWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket';
}

/** Stops listening, at once. Connections that were upgraded are the relay's to end; the others end here. */
function stopListening(server: Server): void {
  server.close();
  server.closeAllConnections();
}
