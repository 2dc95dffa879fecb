import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';

import { clientSignal } from '../../http/index.ts';
import type { ProxyCommands } from './proxy-commands.ts';
import { PROXY_OPERATIONS as operations } from './proxy-operations.ts';

/** Routes that keep, read, change and check proxies. */
export function proxyRoutes(commands: ProxyCommands): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get('/proxies', { schema: operations.listProxies }, ({ query }) => commands.list(query));

    app.post('/proxies', { schema: operations.createProxy }, async ({ body }, reply) => {
      const proxy = await commands.create(body);
      return reply.code(201).header('location', `/api/proxies/${proxy.id}`).send(proxy);
    });

    app.get('/proxies/groups', { schema: operations.listProxyGroups }, () => commands.listGroups());

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
