import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';

import { AppError } from '../../lib/app-error.ts';
import { REALTIME_PATH } from './rpc-dispatcher.ts';

/** Serves the AsyncAPI document, and says what the address of the interface wants to those who ask it with a plain request. */
export function realtimeRoutes(document: object): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get('/asyncapi.json', { schema: { hide: true, operationId: 'getAsyncApi' } }, () => document);

    app.get(REALTIME_PATH, { schema: { hide: true, operationId: 'connectRealtime' } }, async (_request, reply) => {
      reply.header('upgrade', 'websocket');
      throw new AppError('UPGRADE_REQUIRED', 'This is a WebSocket address: connect to it with a JSON-RPC 2.0 client');
    });
  };
}
