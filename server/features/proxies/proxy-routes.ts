import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';

import { actorOf, clientSignal } from '../../http/index.ts';
import type { ProxyCommands } from './proxy-commands.ts';
import { PROXY_OPERATIONS as operations } from './proxy-operations.ts';

/** Routes that keep, read, change and check proxies. */
export function proxyRoutes(commands: ProxyCommands): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get('/proxies', { schema: operations.listProxies }, (request) =>
      commands.list(request.query, actorOf(request)),
    );

    app.post('/proxies', { schema: operations.createProxy }, async (request, reply) => {
      const proxy = await commands.create(request.body, actorOf(request));
      return reply.code(201).header('location', `/api/proxies/${proxy.id}`).send(proxy);
    });

    app.get('/proxies/groups', { schema: operations.listProxyGroups }, (request) =>
      commands.listGroups(actorOf(request)),
    );

    app.get('/proxies/:proxyId', { schema: operations.getProxy }, ({ params }) => commands.get(params));

    app.patch('/proxies/:proxyId', { schema: operations.updateProxy }, ({ params, body }) =>
      commands.update({ ...params, ...body }),
    );

    app.delete('/proxies/:proxyId', { schema: operations.deleteProxy }, async ({ params }, reply) => {
      await commands.delete(params);
      return reply.code(204).send(null);
    });

    app.post('/proxies/:proxyId/check', { schema: operations.checkProxy }, ({ params }, reply) =>
      commands.check(params, clientSignal(reply)),
    );
  };
}
