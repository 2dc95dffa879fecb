import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import {
  CookieList,
  Execute,
  ExecuteResult,
  Navigate,
  NavigateResult,
  PageContent,
  Pdf,
  Problem,
  Screenshot,
  SetCookies,
} from '@guise/contract';
import { Type } from 'typebox';

import { allowNoBody } from '../../http/index.ts';
import { AppError, invalidField } from '../../lib/app-error.ts';
import { SessionParams, toSessionId } from './session-routes.ts';
import type { SessionService } from './session-service.ts';

/** A script and the arguments for it; larger than other bodies because libraries are sent this way. */
const MAX_SCRIPT_BYTES = 1024 ** 2;

const problems = { '4xx': Problem, '5xx': Problem };
const binary = (mediaType: string): ReturnType<typeof Type.Unsafe<Buffer>> =>
  Type.Unsafe<Buffer>({
    description: 'The encoded file',
    content: { [mediaType]: { schema: { type: 'string', format: 'binary' } } },
  });

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
    app.post(
      '/sessions/:sessionId/execute',
      {
        bodyLimit: MAX_SCRIPT_BYTES,
        schema: {
          operationId: 'executeScript',
          summary: 'Run JavaScript in the page',
          tags: ['page'],
          params: SessionParams,
          body: Execute,
          response: { 200: ExecuteResult, ...problems },
        },
      },
      async ({ params, body, signal }) => {
        checkScript(body);
        return service.withPage(toSessionId(params), signal, (page) => page.execute(body, signal));
      },
    );

    app.post(
      '/sessions/:sessionId/navigate',
      {
        schema: {
          operationId: 'navigate',
          summary: 'Load an address and wait for it',
          tags: ['page'],
          params: SessionParams,
          body: Navigate,
          response: { 200: NavigateResult, ...problems },
        },
      },
      async ({ params, body, signal }) =>
        service.withPage(toSessionId(params), signal, (page) => page.navigate(body, signal)),
    );

    app.post(
      '/sessions/:sessionId/screenshot',
      {
        preValidation: allowNoBody,
        schema: {
          operationId: 'takeScreenshot',
          summary: 'Take a picture of the page',
          tags: ['page'],
          params: SessionParams,
          body: Screenshot,
          produces: ['image/png', 'image/jpeg', 'image/webp'],
          response: { 200: binary('image/*'), ...problems },
        },
      },
      async ({ params, body, signal }, reply) => {
        refuseStore(body);
        checkScreenshot(body);
        const image = await service.withPage(toSessionId(params), signal, (page) => page.screenshot(body, signal));
        return reply.type(`image/${body.format ?? 'png'}`).send(image);
      },
    );

    app.post(
      '/sessions/:sessionId/pdf',
      {
        preValidation: allowNoBody,
        schema: {
          operationId: 'printPdf',
          summary: 'Print the page',
          tags: ['page'],
          params: SessionParams,
          body: Pdf,
          produces: ['application/pdf'],
          response: { 200: binary('application/pdf'), ...problems },
        },
      },
      async ({ params, body, signal }, reply) => {
        refuseStore(body);
        const pdf = await service.withPage(toSessionId(params), signal, (page) => page.pdf(body, signal));
        return reply.type('application/pdf').send(pdf);
      },
    );

    app.get(
      '/sessions/:sessionId/content',
      {
        schema: {
          operationId: 'getContent',
          summary: 'The document as it is now',
          tags: ['page'],
          params: SessionParams,
          response: { 200: PageContent, ...problems },
        },
      },
      async ({ params, signal }) => service.withPage(toSessionId(params), signal, (page) => page.content(signal)),
    );

    app.get(
      '/sessions/:sessionId/cookies',
      {
        schema: {
          operationId: 'listCookies',
          summary: 'All cookies of the session',
          tags: ['cookies'],
          params: SessionParams,
          response: { 200: CookieList, ...problems },
        },
      },
      async ({ params }) =>
        service.withBrowser(toSessionId(params), async (browser) => ({ cookies: await browser.cookies() })),
    );

    app.put(
      '/sessions/:sessionId/cookies',
      {
        schema: {
          operationId: 'replaceCookies',
          summary: 'Replace all cookies of the session',
          tags: ['cookies'],
          params: SessionParams,
          body: SetCookies,
          response: { 200: CookieList, ...problems },
        },
      },
      async ({ params, body }) =>
        service.withBrowser(toSessionId(params), async (browser) => {
          await browser.setCookies(body.cookies);
          return { cookies: await browser.cookies() };
        }),
    );
  };
}
