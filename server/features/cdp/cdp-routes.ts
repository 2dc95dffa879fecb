import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';

import { AppError } from '../../lib/app-error.ts';

/** Says what the WebSocket address of a session wants to those who ask for it with a plain request. */
export function cdpRoutes(): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/sessions/:sessionId/cdp',
      { schema: { hide: true, operationId: 'connectCdp' } },
      async (_request, reply) => {
        reply.header('upgrade', 'websocket');
        throw new AppError('UPGRADE_REQUIRED', 'This is a WebSocket address: connect to it with a CDP client');
      },
    );
  };
}
