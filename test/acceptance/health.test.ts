import type { SessionEventList } from '@guise/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Api, expectStatus } from './api.ts';
import { browserPid } from './cdp-client.ts';
import { startService } from './service.ts';
import { until } from './until.ts';

const stack = new AsyncDisposableStack();
let api: Api;

beforeAll(async () => {
  ({ api } = await startService(stack, { WARM_POOL_SIZE: '0', HEALTH_CHECK_INTERVAL_MS: '1000' }));
});
afterAll(() => stack.disposeAsync());

/** How many health checks have had this outcome so far, as the metrics say. */
async function checksWith(outcome: 'ok' | 'failed'): Promise<number> {
  const { text } = await api.call('GET', '/metrics');
  return Number(new RegExp(`^guise_health_checks_total\\{outcome="${outcome}"\\} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
}

async function movesOf(id: string): Promise<string[]> {
  const { events } = expectStatus<SessionEventList>(await api.call('GET', `/api/sessions/${id}/events`), 200);
  return events.flatMap(({ toState }) => (toState === null ? [] : [toState]));
}

describe('a session whose browser stops to answer', () => {
  it('is UNHEALTHY, then closed with that reason, and nothing is left of it', async () => {
    const { id, cdpUrl } = await api.create();
    process.kill(await browserPid(cdpUrl ?? ''), 'SIGSTOP');
    await until('the session is UNHEALTHY', async () => (await api.get(id)).state === 'UNHEALTHY');
    const closed = await until('the session is closed', async () => {
      const session = await api.get(id);
      return session.state === 'CLOSED' && session;
    });
    expect(closed.closeReason).toBe('unhealthy');
    expect(await movesOf(id)).toEqual(['INITIALIZING', 'ACTIVE', 'UNHEALTHY', 'CLOSING', 'CLOSED']);
    expect(await checksWith('failed')).toBeGreaterThanOrEqual(2);
  });

  it('recovers when the browser answers again', async () => {
    const { id, cdpUrl } = await api.create();
    const pid = await browserPid(cdpUrl ?? '');
    process.kill(pid, 'SIGSTOP');
    await until('the session is UNHEALTHY', async () => (await api.get(id)).state === 'UNHEALTHY');
    process.kill(pid, 'SIGCONT');
    await until('the session is ACTIVE again', async () => (await api.get(id)).state === 'ACTIVE');
    expect(await api.evaluate(id, '1 + 1')).toBe(2);
    await api.end(id);
  });
});

describe('a session with a page that loops', () => {
  it('is healthy all the same', async () => {
    const { id } = await api.create();
    await api.evaluate(id, 'setTimeout(() => { for (;;) {} }, 0); 1');
    const before = await checksWith('ok');
    await until('it was checked three times', async () => (await checksWith('ok')) >= before + 3);
    expect(await movesOf(id)).toEqual(['INITIALIZING', 'ACTIVE']);
    await api.end(id);
  });
});
