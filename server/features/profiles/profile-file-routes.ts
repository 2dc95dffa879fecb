import { Readable } from 'node:stream';

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { PROFILE_FILE_TYPE, type SetProfileCookies } from '@guise/contract';

import { actorOf, clientSignal } from '../../http/index.ts';
import { AppError, invalidField } from '../../lib/app-error.ts';
import { CookieFileError, formatNetscapeCookies, parseNetscapeCookies } from './netscape-cookies.ts';
import type { ProfileCommands } from './profile-commands.ts';
import { PROFILE_OPERATIONS as operations } from './profile-operations.ts';

/** Of an imported file, as it comes. */
const MAX_FILE_BYTES = 2 * 1024 ** 3;
const MAX_COOKIES_BYTES = 32 * 1024 ** 2;
const COOKIE_FILE_TYPE = 'text/plain';

/** Passes what comes on, and fails when it is too much. */
async function* limited(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let length = 0;
  for await (const bytes of content) {
    length += bytes.byteLength;
    if (length > MAX_FILE_BYTES) throw new AppError('PAYLOAD_TOO_LARGE', 'The file is too large for a profile');
    yield bytes;
  }
}

/** The body as it comes; one that was parsed is no file. @throws {AppError} UNSUPPORTED_MEDIA_TYPE */
function toFile(body: unknown): AsyncIterable<Uint8Array> {
  if (body instanceof Readable) return body as AsyncIterable<Uint8Array>;
  throw new AppError('UNSUPPORTED_MEDIA_TYPE', `The file of a profile is ${PROFILE_FILE_TYPE}`);
}

function toCookies(body: unknown): SetProfileCookies['cookies'] {
  // Without a type of content there is no schema by which a missing body could be found.
  if (body === undefined || body === null) throw invalidField('', 'The body is missing');
  if (typeof body !== 'string') return (body as SetProfileCookies).cookies;
  try {
    return parseNetscapeCookies(body);
  } catch (error) {
    if (error instanceof CookieFileError) throw invalidField('', error.message);
    throw error;
  }
}

/** Whether a client would rather have a cookie file than JSON. */
function prefersCookieFile(accept = ''): boolean {
  return accept.includes(COOKIE_FILE_TYPE) && !accept.includes('json');
}

/** Routes of profiles that take or give files: a whole profile, and its cookies. */
export function profileFileRoutes(commands: ProfileCommands): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.addContentTypeParser(PROFILE_FILE_TYPE, (_request, payload, done) => done(null, payload));
    app.addContentTypeParser(COOKIE_FILE_TYPE, { parseAs: 'string' }, (_request, body, done) => done(null, body));

    app.get('/profiles/:profileId/export', { schema: operations.exportProfile }, async ({ params, query }, reply) => {
      const file = await commands.exportFile({ ...params, ...query }, clientSignal(reply));
      return reply
        .type(PROFILE_FILE_TYPE)
        .header('content-disposition', `attachment; filename="${file.fileName}"`)
        .send(Readable.from(file.content));
    });

    app.post('/profiles/import', { schema: operations.importProfile }, async (request, reply) => {
      const content = limited(toFile(request.body));
      const options = { ...request.query, actor: actorOf(request) };
      const result = await commands.importFile(content, options, clientSignal(reply));
      return reply.code(result.profile === null ? 200 : 201).send(result);
    });

    app.get('/profiles/:profileId/cookies', { schema: operations.getProfileCookies }, async (request, reply) => {
      const cookies = await commands.getCookies(request.params, clientSignal(reply));
      if (!prefersCookieFile(request.headers.accept)) return { cookies };
      // Text passes by the schema of the answer, which is that of the JSON.
      return reply
        .type(COOKIE_FILE_TYPE)
        .serializer(String)
        .send(formatNetscapeCookies(cookies) as never);
    });

    app.put(
      '/profiles/:profileId/cookies',
      { schema: operations.replaceProfileCookies, bodyLimit: MAX_COOKIES_BYTES },
      async ({ params, body }, reply) => {
        const cookies = toCookies(body);
        return { cookies: await commands.setCookies({ ...params, cookies }, clientSignal(reply)) };
      },
    );
  };
}
