import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';

import { actorOf } from '../../http/index.ts';
import type { KeyCommands } from './key-commands.ts';
import { KEY_OPERATIONS as operations } from './key-operations.ts';

/** Routes that make, show, change and revoke API keys. */
export function keyRoutes(commands: KeyCommands): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get('/keys', { schema: operations.listApiKeys }, ({ query }) => commands.list(query));

    app.post('/keys', { schema: operations.createApiKey }, async (request, reply) => {
      const key = await commands.create(request.body, actorOf(request));
      return reply.code(201).header('location', `/api/keys/${key.id}`).header('cache-control', 'no-store').send(key);
    });

    app.get('/keys/:keyId', { schema: operations.getApiKey }, ({ params }) => commands.get(params));

    app.patch('/keys/:keyId', { schema: operations.updateApiKey }, ({ params, body }) =>
      commands.update({ ...params, ...body }),
    );

    app.delete('/keys/:keyId', { schema: operations.revokeApiKey }, async ({ params }, reply) => {
      await commands.revoke(params);
      return reply.code(204).send(null);
    });
  };
}
