import type { Session, SessionList } from '@guise/contract';
import puppeteer from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Api, expectStatus } from './api.ts';
import { connectCdp, tryUpgrade } from './cdp-client.ts';
import { expectProblem } from './problem.ts';
import { type Service, startService } from './service.ts';
import { until } from './until.ts';

const stack = new AsyncDisposableStack();
let service: Service;
let api: Api;

beforeAll(async () => {
  service = await startService(stack);
  ({ api } = service);
});
afterAll(() => stack.disposeAsync());

const address = (query: string): string => `${service.address.replace('http', 'ws')}/connect?${query}`;

async function sessionLabelled(job: string): Promise<Session> {
  const list = expectStatus<SessionList>(await api.call('GET', `/api/sessions?metadata.job=${job}`), 200);
  const [session, ...others] = list.sessions;
  if (session === undefined || others.length > 0) throw new Error(`${list.sessions.length} sessions in place of one`);
  return session;
}

async function closed(id: string): Promise<Session> {
  return until('the session is closed', async () => {
    const session = await api.get(id);
    return session.state === 'CLOSED' && session;
  });
}

describe('a client that connects to /connect', () => {
  it('gets a session with the options in the address, which ends when it has gone', async () => {
    const viewport = encodeURIComponent('{"width":700,"height":500}');
    const query = `apiKey=none&timezone=Asia/Tokyo&viewport=${viewport}&metadata.job=one`;
    const browser = await puppeteer.connect({ browserWSEndpoint: address(query), defaultViewport: null });
    const [page] = await browser.pages();
    const seen = await page?.evaluate('[Intl.DateTimeFormat().resolvedOptions().timeZone, innerWidth, innerHeight]');
    expect(seen).toEqual(['Asia/Tokyo', 700, 500]);
    const { id, state } = await sessionLabelled('one');
    expect(state).toBe('ACTIVE');
    await browser.disconnect();
    expect((await closed(id)).closeReason).toBe('client_disconnected');
  });

  it('may come back within the time it asks for, and the session ends when the last of several has gone', async () => {
    const first = await connectCdp(address('keepAliveMs=3000&metadata.job=two'));
    const { id, cdpUrl } = await sessionLabelled('two');
    first[Symbol.dispose]();
    await until('nobody is connected', async () => (await api.status()).sessions.cdpClients === 0);
    const second = await connectCdp(cdpUrl ?? '');
    const third = await connectCdp(cdpUrl ?? '');
    second[Symbol.dispose]();
    expect((await api.get(id)).state).toBe('ACTIVE');
    third[Symbol.dispose]();
    expect((await closed(id)).closeReason).toBe('client_disconnected');
  });

  it('is refused before the upgrade when an option is wrong, and no session is made', async () => {
    const before = (await api.status()).sessions.live;
    for (const [query, field] of [
      ['headless=maybe', '/headless'],
      ['colour=red', '/colour'],
      ['keepAliveMs=-1', '/keepAliveMs'],
      ['launchArgs=["--no-sandbox"]', '/launchArgs/0'],
    ] as const) {
      const problem = expectProblem(await tryUpgrade(address(query)), 400, 'VALIDATION_FAILED');
      expect(problem.errors?.map(({ path }) => path)).toEqual([field]);
    }
    expectProblem(await tryUpgrade(address('proxy=http://proxy.example:1')), 400, 'OPTION_NOT_AVAILABLE');
    expect((await api.status()).sessions.live).toBe(before);
  });
});
