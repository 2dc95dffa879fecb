import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import {
  CreateSession,
  ListSessionsQuery,
  type Metadata,
  Problem,
  Session,
  SessionEventList,
  SessionList,
  UpdateSession,
} from '@guise/contract';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';

import { allowNoBody, webSocketOrigin } from '../../http/index.ts';
import { AppError, invalidField } from '../../lib/app-error.ts';
import type { SessionRecord } from './session-record.ts';
import type { SessionService } from './session-service.ts';
import type { SessionView } from './session-view.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export const SessionParams = Type.Object({ sessionId: Type.String({ description: 'The `id` of the session.' }) });

const METADATA_PREFIX = 'metadata.';
const DEFAULT_PAGE_SIZE = 50;

/** The id in a path. What cannot be an id is the id of no session. @throws {AppError} SESSION_NOT_FOUND */
export function toSessionId({ sessionId }: { readonly sessionId: string }): string {
  if (UUID.test(sessionId)) return sessionId.toLowerCase();
  throw new AppError('SESSION_NOT_FOUND', 'There is no such session: that is not the id of one');
}

/** `metadata.team=a` of a query as `{ team: 'a' }`; undefined when there is none. */
function metadataFilter(query: Readonly<Record<string, unknown>>): Metadata | undefined {
  const entries = Object.entries(query)
    .filter(([name]) => name.startsWith(METADATA_PREFIX))
    .map(([name, value]) => [name.slice(METADATA_PREFIX.length), String(value)] as const);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

function toCursor(cursor: string | undefined): string | undefined {
  if (cursor !== undefined && !UUID.test(cursor))
    throw invalidField('/cursor', 'is not one this service has given out');
  return cursor;
}

/** Routes that create, read, change and end sessions. */
export function sessionRoutes(service: SessionService, view: SessionView): FastifyPluginAsyncTypebox {
  const show = (request: FastifyRequest, record: SessionRecord): Session =>
    view.toSession(record, service.findLive(record.id), webSocketOrigin(request));

  return async (app) => {
    for (const url of ['/sessions/create', '/sessions']) {
      app.post(
        url,
        {
          preValidation: allowNoBody,
          schema: {
            operationId: url === '/sessions' ? 'createSession' : 'createSessionByName',
            summary: 'Start a browser session',
            tags: ['sessions'],
            body: CreateSession,
            response: { 201: Session, '4xx': Problem, '5xx': Problem },
          },
        },
        async (request, reply) => {
          const record = await service.create(request.body, request.signal);
          return reply.code(201).header('location', `/api/sessions/${record.id}`).send(show(request, record));
        },
      );
    }

    app.get(
      '/sessions',
      {
        schema: {
          operationId: 'listSessions',
          summary: 'List sessions, newest first; filter by labels with metadata.NAME=VALUE',
          tags: ['sessions'],
          querystring: ListSessionsQuery,
          response: { 200: SessionList, '4xx': Problem },
        },
      },
      async (request) => {
        const { limit = DEFAULT_PAGE_SIZE, cursor, state, nodeId, profileId } = request.query;
        const filter = { state, nodeId, profileId, metadata: metadataFilter(request.query), after: toCursor(cursor) };
        // One more than asked for tells whether there is a next page.
        const records = await service.list({ ...filter, limit: limit + 1 });
        const page = records.slice(0, limit);
        const nextCursor = records.length > limit ? (page.at(-1)?.id ?? null) : null;
        return { sessions: page.map((record) => show(request, record)), nextCursor };
      },
    );

    app.get(
      '/sessions/:sessionId',
      {
        schema: {
          operationId: 'getSession',
          summary: 'Read one session, live or ended',
          tags: ['sessions'],
          params: SessionParams,
          response: { 200: Session, '4xx': Problem },
        },
      },
      async (request) => show(request, await service.get(toSessionId(request.params))),
    );

    app.patch(
      '/sessions/:sessionId',
      {
        schema: {
          operationId: 'updateSession',
          summary: 'Change time-outs or metadata of a live session',
          tags: ['sessions'],
          params: SessionParams,
          body: UpdateSession,
          response: { 200: Session, '4xx': Problem },
        },
      },
      async (request) => show(request, await service.update(toSessionId(request.params), request.body)),
    );

    app.delete(
      '/sessions/:sessionId',
      {
        schema: {
          operationId: 'endSession',
          summary: 'End a session; answers when its processes are gone. Ending it twice is fine',
          tags: ['sessions'],
          params: SessionParams,
          response: { 200: Session, '4xx': Problem },
        },
      },
      async (request) => show(request, await service.end(toSessionId(request.params), 'requested')),
    );

    app.post(
      '/sessions/:sessionId/keepalive',
      {
        schema: {
          operationId: 'keepSessionAlive',
          summary: 'Count as use of the session, so that its idle time-out starts anew',
          tags: ['sessions'],
          params: SessionParams,
          response: { 200: Session, '4xx': Problem },
        },
      },
      async (request) => show(request, await service.keepAlive(toSessionId(request.params))),
    );

    app.get(
      '/sessions/:sessionId/events',
      {
        schema: {
          operationId: 'listSessionEvents',
          summary: "The session's history, oldest first",
          tags: ['sessions'],
          params: SessionParams,
          response: { 200: SessionEventList, '4xx': Problem },
        },
      },
      async (request) => ({ events: await service.listEvents(toSessionId(request.params)) }),
    );
  };
}
