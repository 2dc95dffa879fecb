import type { SessionEventList } from '@guise/contract';
import { describe, expect, it } from 'vitest';

import { expectStatus } from './api.ts';
import { connectCdp } from './cdp-client.ts';
import { expectProblem } from './problem.ts';
import { expectNothingLeft, openDataDir, startServiceOn } from './service.ts';
import { until } from './until.ts';

const LONG = { DRAIN_TIMEOUT_MS: '60000', WARM_POOL_SIZE: '0' };

describe('a service that is told to stop and has time for it', () => {
  it('takes no new sessions, goes on with those it has, and stops when the last of them has ended', async () => {
    await using stack = new AsyncDisposableStack();
    const dataDir = await openDataDir(stack);
    const service = await startServiceOn(dataDir, LONG);
    const { id } = await service.api.create();
    const ended = service.end('SIGTERM');
    await until('the node drains', async () => (await service.api.status()).draining);

    expectProblem(await service.api.call('POST', '/api/sessions/create'), 503, 'SHUTTING_DOWN');
    expect((await service.api.call('GET', '/health/ready')).status).toBe(503);
    expect((await service.api.call('GET', '/health/live')).status).toBe(200);
    const { events } = expectStatus<SessionEventList>(await service.api.call('GET', `/api/sessions/${id}/events`), 200);
    const { data } = events.find(({ type }) => type === 'drainStarted') ?? {};
    expect(Date.parse(String(data?.['endsAt']))).toBeGreaterThan(Date.now());
    expect(await service.api.evaluate(id, '1 + 1')).toBe(2);

    await service.api.end(id);
    expect(await ended).toBe(0);
    await expectNothingLeft(dataDir);
  });

  it('ends what is left when the time is over, with node_drained, and closes clients with 1001', async () => {
    await using stack = new AsyncDisposableStack();
    const dataDir = await openDataDir(stack);
    const service = await startServiceOn(dataDir, { ...LONG, DRAIN_TIMEOUT_MS: '2000' });
    const { id, cdpUrl } = await service.api.create();
    using client = await connectCdp(cdpUrl ?? '');
    const ended = service.end('SIGTERM');
    expect(await client.closed).toEqual({ code: 1001, reason: 'node_drained' });
    expect(await ended).toBe(0);
    await expectNothingLeft(dataDir);

    const next = stack.use(await startServiceOn(dataDir, LONG));
    expect(await next.api.get(id)).toMatchObject({ state: 'CLOSED', closeReason: 'node_drained' });
  });

  it('waits no longer when it is told a second time', async () => {
    await using stack = new AsyncDisposableStack();
    const dataDir = await openDataDir(stack);
    const service = await startServiceOn(dataDir, LONG);
    await service.api.create();
    const ended = service.end('SIGTERM');
    await until('the node drains', async () => (await service.api.status()).draining);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    process.kill(service.pid, 'SIGTERM');
    expect(await ended).toBe(0);
    await expectNothingLeft(dataDir);
  });
});
