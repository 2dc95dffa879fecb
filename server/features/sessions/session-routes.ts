import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Metadata, Session } from '@guise/contract';
import type { FastifyRequest } from 'fastify';

import { allowNoBody, answerWithStream, clientSignal, webSocketOrigin } from '../../http/index.ts';
import { invalidField } from '../../lib/app-error.ts';
import type { TypedEmitter } from '../../lib/typed-emitter.ts';
import { streamEvents } from './event-stream.ts';
import type { SessionEvents } from './session-events.ts';
import { isSessionId, SESSION_OPERATIONS as operations, toSessionId } from './session-operations.ts';
import type { SessionRecord } from './session-record.ts';
import type { SessionService } from './session-service.ts';
import type { SessionView } from './session-view.ts';

const METADATA_PREFIX = 'metadata.';
const EVENT_STREAM = 'text/event-stream';
const MAX_EVENTS = 1_000;
const DEFAULT_PAGE_SIZE = 50;

/** `metadata.team=a` of a query as `{ team: 'a' }`; undefined when there is none. */
function metadataFilter(query: Readonly<Record<string, unknown>>): Metadata | undefined {
  const entries = Object.entries(query)
    .filter(([name]) => name.startsWith(METADATA_PREFIX))
    .map(([name, value]) => [name.slice(METADATA_PREFIX.length), String(value)] as const);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

function toCursor(cursor: string | undefined): string | undefined {
  if (cursor === undefined || isSessionId(cursor)) return cursor;
  throw invalidField('/cursor', 'is not one this service has given out');
}

interface SessionRoutesDeps {
  readonly service: SessionService;
  readonly view: SessionView;
  readonly events: TypedEmitter<SessionEvents>;
}

/** Routes that create, read, change and end sessions. */
export function sessionRoutes({ service, view, events }: SessionRoutesDeps): FastifyPluginAsyncTypebox {
  const show = (request: FastifyRequest, record: SessionRecord): Session =>
    view.toSession(record, service.findLive(record.id), webSocketOrigin(request));

  return async (app) => {
    for (const [url, schema] of [
      ['/sessions/create', operations.createSession],
      ['/sessions', operations.createSessionAlias],
    ] as const) {
      app.post(url, { preValidation: allowNoBody, schema }, async (request, reply) => {
        const record = await service.create(request.body, clientSignal(reply));
        return reply.code(201).header('location', `/api/sessions/${record.id}`).send(show(request, record));
      });
    }

    app.get('/sessions', { schema: operations.listSessions }, async (request) => {
      const { limit = DEFAULT_PAGE_SIZE, cursor, state, nodeId, profileId } = request.query;
      const filter = { state, nodeId, profileId, metadata: metadataFilter(request.query), after: toCursor(cursor) };
      // One more than asked for tells whether there is a next page.
      const records = await service.list({ ...filter, limit: limit + 1 });
      const page = records.slice(0, limit);
      const nextCursor = records.length > limit ? (page.at(-1)?.id ?? null) : null;
      return { sessions: page.map((record) => show(request, record)), nextCursor };
    });

    app.get('/sessions/:sessionId', { schema: operations.getSession }, async (request) =>
      show(request, await service.get(toSessionId(request.params))),
    );

    app.patch('/sessions/:sessionId', { schema: operations.updateSession }, async (request) =>
      show(request, await service.update(toSessionId(request.params), request.body)),
    );

    app.delete('/sessions/:sessionId', { schema: operations.endSession }, async (request) =>
      show(request, await service.end(toSessionId(request.params), 'requested')),
    );

    app.post('/sessions/:sessionId/keepalive', { schema: operations.keepSessionAlive }, async (request) =>
      show(request, await service.keepAlive(toSessionId(request.params))),
    );

    app.get('/sessions/:sessionId/events', { schema: operations.listSessionEvents }, async (request, reply) => {
      const { params, query, headers } = request;
      const sessionId = toSessionId(params);
      if (headers.accept?.includes(EVENT_STREAM) === true) {
        // An unknown session is still refused as usual.
        await service.get(sessionId);
        const after = Number(headers['last-event-id'] ?? query.after ?? 0) || 0;
        await answerWithStream(reply, (out, signal) =>
          streamEvents({ service, events, sessionId, after }, out, signal),
        );
        return reply;
      }
      const { after = 0, limit = MAX_EVENTS } = query;
      return { events: await service.listEvents(sessionId, { after, limit }) };
    });
  };
}
