import type { SessionEventList } from '@guise/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Api, expectStatus } from './api.ts';
import { browserPid } from './cdp-client.ts';
import { listProcessesOf } from './processes.ts';
import { startService } from './service.ts';
import { until } from './until.ts';

const stack = new AsyncDisposableStack();
let api: Api;
let dataDir: string;

beforeAll(async () => {
  ({ api, dataDir } = await startService(stack, { WARM_POOL_SIZE: '0', HEALTH_CHECK_INTERVAL_MS: '1000' }));
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

  it('says so, and says when the page answers again', async () => {
    const { id } = await api.create();
    const typesOf = async (): Promise<string[]> =>
      expectStatus<SessionEventList>(await api.call('GET', `/api/sessions/${id}/events`), 200).events.map(
        ({ type }) => type,
      );
    await api.evaluate(id, 'setTimeout(() => { const end = Date.now() + 4000; while (Date.now() < end); }, 0); 1');
    await until('the page is known to hang', async () => (await typesOf()).includes('pageHung'));
    await until('the page is known to answer', async () => (await typesOf()).includes('pageRecovered'));
    expect(await typesOf()).toEqual(['created', 'stateChanged', 'pageHung', 'pageRecovered']);
    await api.end(id);
  });
});

describe('a session whose browser has lost what it starts processes with', () => {
  it('is closed as unhealthy: it runs on, but could not open a page any more', async () => {
    const { id, cdpUrl } = await api.create();
    const pid = await browserPid(cdpUrl ?? '');
    await until('it was checked once', async () => (await checksWith('ok')) > 0);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const zygotes = listProcessesOf(dataDir).filter(
      ({ groupId, command }) => groupId === pid && command.includes('--type=zygote'),
    );
    expect(zygotes.length).toBeGreaterThan(0);
    for (const zygote of zygotes) process.kill(zygote.pid, 'SIGKILL');
    const closed = await until('the session is closed', async () => {
      const session = await api.get(id);
      return session.state === 'CLOSED' && session;
    });
    expect(closed.closeReason).toMatch(/^(unhealthy|browser_crashed)$/);
  });
});
