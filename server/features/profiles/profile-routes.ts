import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';

import { actorOf, allowNoBody, clientSignal } from '../../http/index.ts';
import type { ProfileCommands } from './profile-commands.ts';
import { PROFILE_OPERATIONS as operations } from './profile-operations.ts';

/** A bulk request may name a thousand profiles, and a fingerprint has some hundred fonts and voices. */
const MAX_BODY_BYTES = 4 * 1024 ** 2;

/** Routes that save, read, change and judge profiles. */
export function profileRoutes(commands: ProfileCommands): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get('/profiles', { schema: operations.listProfiles }, (request) =>
      commands.list(request.query, actorOf(request)),
    );

    app.post('/profiles', { schema: operations.createProfile }, async (request, reply) => {
      const profile = await commands.create(request.body, actorOf(request));
      return reply.code(201).header('location', `/api/profiles/${profile.id}`).send(profile);
    });

    app.post('/profiles/generate', { preValidation: allowNoBody, schema: operations.generateFingerprint }, (request) =>
      commands.generate(request.body, actorOf(request)),
    );

    app.post('/profiles/validate', { schema: operations.validateFingerprint }, ({ body }) => commands.validate(body));

    app.post('/profiles/bulk', { schema: operations.bulkProfiles, bodyLimit: MAX_BODY_BYTES }, (request) =>
      commands.bulk(request.body, actorOf(request)),
    );

    app.get('/profiles/:profileId', { schema: operations.getProfile }, ({ params }) => commands.get(params));

    app.patch('/profiles/:profileId', { schema: operations.updateProfile }, (request) =>
      commands.update({ ...request.params, ...request.body }, actorOf(request)),
    );

    app.delete('/profiles/:profileId', { schema: operations.deleteProfile }, async ({ params }, reply) => {
      await commands.delete(params);
      return reply.code(204).send(null);
    });

    app.post(
      '/profiles/:profileId/validate',
      { preValidation: allowNoBody, schema: operations.validateProfile },
      ({ params, body }) => commands.validateSaved({ ...params, ...body }),
    );

    app.post(
      '/profiles/:profileId/duplicate',
      { preValidation: allowNoBody, schema: operations.duplicateProfile },
      async ({ params, body }, reply) => {
        const profile = await commands.duplicate({ ...params, ...body }, clientSignal(reply));
        return reply.code(201).header('location', `/api/profiles/${profile.id}`).send(profile);
      },
    );

    app.post('/profiles/:profileId/unlock', { schema: operations.unlockProfile }, ({ params }) =>
      commands.unlock(params),
    );

    app.post(
      '/profiles/:profileId/update-browser-version',
      { schema: operations.updateProfileBrowserVersion },
      ({ params }) => commands.updateBrowserVersion(params),
    );

    app.get('/profiles/:profileId/states', { schema: operations.listProfileStates }, ({ params }) =>
      commands.listStates(params),
    );

    app.post(
      '/profiles/:profileId/states/restore',
      { schema: operations.restoreProfileState },
      ({ params, body }, reply) => commands.restoreState({ ...params, ...body }, clientSignal(reply)),
    );
  };
}
