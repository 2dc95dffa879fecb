import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';

import { allowNoBody, clientSignal } from '../../http/index.ts';
import type { PageCommands } from './page-commands.ts';
import { PAGE_OPERATIONS as operations } from './page-operations.ts';

/** Routes that act on the page in front of a live session. */
export function pageRoutes(commands: PageCommands): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post('/sessions/:sessionId/execute', { schema: operations.executeScript }, ({ params, body }, reply) =>
      commands.execute({ ...params, ...body }, clientSignal(reply)),
    );

    app.post('/sessions/:sessionId/navigate', { schema: operations.navigate }, ({ params, body }, reply) =>
      commands.navigate({ ...params, ...body }, clientSignal(reply)),
    );

    app.post(
      '/sessions/:sessionId/screenshot',
      { preValidation: allowNoBody, schema: operations.takeScreenshot },
      async ({ params, body }, reply) => {
        const { mediaType, bytes } = await commands.screenshot({ ...params, ...body }, clientSignal(reply));
        return reply.type(mediaType).send(bytes);
      },
    );

    app.post(
      '/sessions/:sessionId/pdf',
      { preValidation: allowNoBody, schema: operations.printPdf },
      async ({ params, body }, reply) => {
        const { mediaType, bytes } = await commands.pdf({ ...params, ...body }, clientSignal(reply));
        return reply.type(mediaType).send(bytes);
      },
    );

    app.post('/sessions/:sessionId/input', { schema: operations.sendInput }, ({ params, body }, reply) =>
      commands.input({ ...params, ...body }, clientSignal(reply)),
    );

    app.get('/sessions/:sessionId/content', { schema: operations.getContent }, ({ params }, reply) =>
      commands.content(params, clientSignal(reply)),
    );

    app.get('/sessions/:sessionId/cookies', { schema: operations.listCookies }, ({ params }) =>
      commands.getCookies(params),
    );

    app.put('/sessions/:sessionId/cookies', { schema: operations.replaceCookies }, ({ params, body }) =>
      commands.setCookies({ ...params, ...body }),
    );
  };
}
