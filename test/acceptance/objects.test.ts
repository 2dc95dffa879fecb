import type { CookieList, Health } from '@guise/contract';
import { describe, expect, it } from 'vitest';

import { expectStatus } from './api.ts';
import { expectProblem } from './problem.ts';
import { saveProfile } from './profile-api.ts';
import { openS3Server, whyNoS3Server } from './s3-server.ts';
import { startService } from './service.ts';

const why = whyNoS3Server();
const COOKIE = { name: 'a', value: 'b', domain: 'example.com', path: '/' };

describe.skipIf(why !== undefined)(why ?? 'a service whose objects are on an S3 server', () => {
  it('keeps states of profiles there, says when it is away, and never its key', async () => {
    await using stack = new AsyncDisposableStack();
    const server = stack.use(new AsyncDisposableStack());
    const s3 = await openS3Server(server);
    const service = await startService(stack, { WARM_POOL_SIZE: '0', ...s3 });
    const { api } = service;
    const { id } = await saveProfile(api);
    const cookies = `/api/profiles/${id}/cookies`;
    const askHealth = async (status: number): Promise<Health> =>
      expectStatus<Health>(await api.call('GET', '/health'), status);

    expectStatus(await api.call('PUT', cookies, { cookies: [COOKIE] }), 200);
    expect(expectStatus<CookieList>(await api.call('GET', cookies), 200).cookies).toMatchObject([COOKIE]);
    expect((await askHealth(200)).checks['objects']).toMatchObject({ status: 'ok' });

    await server.disposeAsync();
    expectProblem(await api.call('GET', cookies), 503, 'DEPENDENCY_UNAVAILABLE');
    expect((await askHealth(503)).checks['objects']).toMatchObject({
      status: 'failed',
      detail: expect.stringContaining('cannot be reached') as string,
    });
    for (const secret of [s3['S3_ACCESS_KEY_ID'], s3['S3_SECRET_ACCESS_KEY']]) {
      expect(service.log()).not.toContain(secret);
    }
  });
});
