import { randomUUID } from 'node:crypto';

import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';

import { checkTarget } from '../lib/request-target.ts';
import { installAccess, KEYLESS_ACCESS, type RequestAccess } from './access-hooks.ts';
import { endConnectionsOnClose } from './close-server.ts';
import { installOpenApi } from './openapi.ts';
import { refuseForeignOrigin } from './origin-guard.ts';
import { installProblemHandler, refuseMalformedRequest, sendProblem } from './problem-handler.ts';
import { installValidation } from './validation.ts';

/** Bodies are options, not payloads; a route that takes more says so. */
const MAX_BODY_BYTES = 1024 ** 2;
/** A connection that has said nothing for this long is ended. */
const KEEP_ALIVE_MS = 72_000;
/** A request must have arrived whole by then. Answers may take longer. */
const REQUEST_TIMEOUT_MS = 60_000;
const MAX_REQUEST_ID = /^[\w.-]{1,128}$/;

interface HttpServerOptions {
  readonly logger: FastifyBaseLogger;
  readonly version: string;
  /** True where the service needs no key because it only listens on loopback: web pages are then kept out. */
  readonly refusesForeignOrigins: boolean;
  /** Who decides over requests; default: everybody may do everything. */
  readonly access?: RequestAccess;
  /** Whether an operation takes a key, for the document. */
  readonly takesKey?: (operationId: string) => boolean;
  /** Addresses and networks whose word on where a request came from is taken; without any, nobody's. */
  readonly trustedProxies?: readonly string[];
  readonly onAnswered: (answer: AnsweredRequest) => void;
}

/** A request that has been answered. `route` is its pattern: the address itself may hold a token. */
interface AnsweredRequest {
  readonly method: string;
  readonly route: string;
  readonly status: number;
  readonly durationMs: number;
}

/** Makes the HTTP server with what all routes share. Routes are registered by the caller, before `ready`. */
export async function createHttpServer(options: HttpServerOptions): Promise<FastifyInstance> {
  const { trustedProxies = [] } = options;
  const app = Fastify({
    loggerInstance: options.logger,
    trustProxy: trustedProxies.length > 0 ? [...trustedProxies] : false,
    bodyLimit: MAX_BODY_BYTES,
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    // Other protocols a client may offer, such as h2c, are declined by answering as usual.
    http: { shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === 'websocket' },
    // Under the name that the gateway's log, problems and the header have.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    routerOptions: { ignoreTrailingSlash: true },
    genReqId: ({ headers }) => {
      const given = headers['x-request-id'];
      return typeof given === 'string' && MAX_REQUEST_ID.test(given) ? given : randomUUID();
    },
    clientErrorHandler: refuseMalformedRequest,
    frameworkErrors: (error, request, reply) => {
      sendProblem(request, reply, { code: 'VALIDATION_FAILED', detail: error.message });
    },
    // Connections that are being used are given time by their handlers; idle ones are not waited for.
    forceCloseConnections: 'idle',
  });
  endConnectionsOnClose(app);
  installValidation(app);
  installProblemHandler(app);
  installJsonParser(app);
  // The router takes the path out of a target that names a host.
  app.addHook('onRequest', async ({ raw }) => checkTarget(raw));
  if (options.refusesForeignOrigins) {
    app.addHook('onRequest', async ({ raw }) => refuseForeignOrigin(raw));
  }
  installAccess(app, options.access ?? KEYLESS_ACCESS);
  app.addHook('onSend', async (request, reply) => {
    reply.header('x-request-id', request.id);
  });
  app.addHook('onResponse', async (request, reply) => {
    const { method, routeOptions } = request;
    const durationMs = Math.round(reply.elapsedTime * 100) / 100;
    const answer = { method, route: routeOptions.url ?? 'unknown', status: reply.statusCode, durationMs };
    request.log.debug(answer, 'request answered');
    options.onAnswered(answer);
  });
  await installOpenApi(app, { takesKey: () => false, ...options });
  return app;
}

/** Bodies are JSON or absent; an empty one counts as absent whatever its type is said to be. */
function installJsonParser(app: FastifyInstance): void {
  // A member called __proto__ is data like any other: bodies are checked by schemas and never merged.
  const parse = app.getDefaultJsonParser('ignore', 'ignore');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else void parse(request, body as string, done);
  });
}
