import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Execute, Screenshot } from '@guise/contract';

import { allowNoBody, clientSignal } from '../../http/index.ts';
import { AppError, invalidField } from '../../lib/app-error.ts';
import { PAGE_OPERATIONS as operations } from './page-operations.ts';
import { toSessionId } from './session-operations.ts';
import type { SessionService } from './session-service.ts';

function refuseStore({ store }: { readonly store?: boolean }): void {
  if (store !== true) return;
  const message = 'is not available in this version';
  throw new AppError('OPTION_NOT_AVAILABLE', 'Not available in this version: store', {
    extensions: { errors: [{ path: '/store', message }] },
  });
}

/** What no schema says: exactly one of two ways to give the script. */
function checkScript({ code, function: source, args }: Execute): void {
  if ((code === undefined) === (source === undefined)) throw invalidField('/code', 'give either code or function');
  if (code !== undefined && args !== undefined) throw invalidField('/args', 'only a function takes arguments');
}

function checkScreenshot({ fullPage, clip, selector, format, quality }: Screenshot): void {
  if ([fullPage === true, clip !== undefined, selector !== undefined].filter(Boolean).length > 1) {
    throw invalidField('/clip', 'give at most one of fullPage, clip and selector');
  }
  if (quality !== undefined && (format ?? 'png') === 'png') throw invalidField('/quality', 'png has no quality');
}

/** Routes that act on the page in front of a live session. */
export function pageRoutes(service: SessionService): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post('/sessions/:sessionId/execute', { schema: operations.executeScript }, async ({ params, body }, reply) => {
      checkScript(body);
      const signal = clientSignal(reply);
      return service.withPage(toSessionId(params), signal, (page) => page.execute(body, signal));
    });

    app.post('/sessions/:sessionId/navigate', { schema: operations.navigate }, async ({ params, body }, reply) => {
      const signal = clientSignal(reply);
      return service.withPage(toSessionId(params), signal, (page) => page.navigate(body, signal));
    });

    app.post(
      '/sessions/:sessionId/screenshot',
      { preValidation: allowNoBody, schema: operations.takeScreenshot },
      async ({ params, body }, reply) => {
        refuseStore(body);
        const signal = clientSignal(reply);
        checkScreenshot(body);
        const image = await service.withPage(toSessionId(params), signal, (page) => page.screenshot(body, signal));
        return reply.type(`image/${body.format ?? 'png'}`).send(image);
      },
    );

    app.post(
      '/sessions/:sessionId/pdf',
      { preValidation: allowNoBody, schema: operations.printPdf },
      async ({ params, body }, reply) => {
        refuseStore(body);
        const signal = clientSignal(reply);
        const pdf = await service.withPage(toSessionId(params), signal, (page) => page.pdf(body, signal));
        return reply.type('application/pdf').send(pdf);
      },
    );

    app.get('/sessions/:sessionId/content', { schema: operations.getContent }, async ({ params }, reply) => {
      const signal = clientSignal(reply);
      return service.withPage(toSessionId(params), signal, (page) => page.content(signal));
    });

    app.get('/sessions/:sessionId/cookies', { schema: operations.listCookies }, async ({ params }) =>
      service.withBrowser(toSessionId(params), async (browser) => ({ cookies: await browser.cookies() })),
    );

    app.put('/sessions/:sessionId/cookies', { schema: operations.replaceCookies }, async ({ params, body }) =>
      service.withBrowser(toSessionId(params), async (browser) => {
        await browser.setCookies(body.cookies);
        return { cookies: await browser.cookies() };
      }),
    );
  };
}
