import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Metadata } from '@guise/contract';
import type { FastifyRequest } from 'fastify';

import { actorOf, allowNoBody, answerWithStream, clientSignal, webSocketOrigin } from '../../http/index.ts';
import type { Actor } from '../../lib/actor.ts';
import { streamEvents } from './event-stream.ts';
import type { SessionCommands } from './session-commands.ts';
import type { SessionFeed } from './session-feed.ts';
import { SESSION_OPERATIONS as operations } from './session-operations.ts';

const METADATA_PREFIX = 'metadata.';
const EVENT_STREAM = 'text/event-stream';

/** `metadata.team=a` of a query as `{ team: 'a' }`; undefined when there is none. */
function metadataFilter(query: Readonly<Record<string, unknown>>): Metadata | undefined {
  const entries = Object.entries(query)
    .filter(([name]) => name.startsWith(METADATA_PREFIX))
    .map(([name, value]) => [name.slice(METADATA_PREFIX.length), String(value)] as const);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

interface SessionRoutesDeps {
  readonly commands: SessionCommands;
  readonly feed: SessionFeed;
}

function callerOf(request: FastifyRequest): { readonly origin: string; readonly actor: Actor } {
  return { origin: webSocketOrigin(request), actor: actorOf(request) };
}

/** Routes that create, read, change and end sessions. */
export function sessionRoutes({ commands, feed }: SessionRoutesDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    for (const [url, schema] of [
      ['/sessions/create', operations.createSession],
      ['/sessions', operations.createSessionAlias],
    ] as const) {
      app.post(url, { preValidation: allowNoBody, schema }, async (request, reply) => {
        const session = await commands.create(request.body, { ...callerOf(request), signal: clientSignal(reply) });
        return reply.code(201).header('location', `/api/sessions/${session.id}`).send(session);
      });
    }

    app.get('/sessions', { schema: operations.listSessions }, (request) =>
      commands.list({ ...request.query, metadata: metadataFilter(request.query) }, callerOf(request)),
    );

    app.get('/sessions/:sessionId', { schema: operations.getSession }, (request) =>
      commands.get(request.params, callerOf(request)),
    );

    app.patch('/sessions/:sessionId', { schema: operations.updateSession }, (request) =>
      commands.update({ ...request.params, ...request.body }, callerOf(request)),
    );

    app.delete('/sessions/:sessionId', { schema: operations.endSession }, (request) =>
      commands.end(request.params, callerOf(request)),
    );

    app.post('/sessions/:sessionId/keepalive', { schema: operations.keepSessionAlive }, (request) =>
      commands.keepAlive(request.params, callerOf(request)),
    );

    app.get('/sessions/:sessionId/events', { schema: operations.listSessionEvents }, async (request, reply) => {
      const { params, query, headers } = request;
      if (headers.accept?.includes(EVENT_STREAM) !== true) return commands.listEvents({ ...params, ...query });
      // An unknown session is still refused as usual.
      const opened = await feed.open({ ...params, after: Number(headers['last-event-id'] ?? query.after ?? 0) || 0 });
      await answerWithStream(reply, (out, signal) => streamEvents(opened, out, signal));
      return reply;
    });
  };
}
