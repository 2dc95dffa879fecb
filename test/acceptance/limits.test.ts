import type { SessionEvent, SessionEventList } from '@guise/contract';
import puppeteer from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Api, expectStatus } from './api.ts';
import { browserPid, connectCdp } from './cdp-client.ts';
import { type PageServer, startPageServer } from './page-server.ts';
import { listBrowsers } from './processes.ts';
import { type Service, startService } from './service.ts';
import { until } from './until.ts';

const stack = new AsyncDisposableStack();
let service: Service;
let api: Api;
let site: PageServer;

beforeAll(async () => {
  site = await startPageServer(stack);
  site.on('/', '<title>home</title>');
  site.on('/other', '<title>other</title>');
  service = await startService(stack, { HEALTH_CHECK_INTERVAL_MS: '1000' });
  ({ api } = service);
});
afterAll(() => stack.disposeAsync());

async function eventsOf(id: string): Promise<SessionEvent[]> {
  return expectStatus<SessionEventList>(await api.call('GET', `/api/sessions/${id}/events`), 200).events;
}

async function untilEvent(id: string, type: SessionEvent['type']): Promise<SessionEvent> {
  return until(`the event ${type}`, async () => (await eventsOf(id)).find((each) => each.type === type), {
    timeoutMs: 40_000,
  });
}

async function untilClosed(id: string): Promise<string | null> {
  const closed = await until(
    'the session is closed',
    async () => {
      const session = await api.get(id);
      return session.state === 'CLOSED' && session;
    },
    { timeoutMs: 40_000 },
  );
  return closed.closeReason;
}

async function ask(id: string, times: number): Promise<void> {
  for (let count = 0; count < times; count += 1) await api.evaluate(id, '1');
}

describe('a session with a limit of requests', () => {
  it('is warned of at 80 per cent, once, and closed with max_requests when it is reached', async () => {
    const { id } = await api.create({ maxRequests: 10 });
    await ask(id, 8);
    const warning = await untilEvent(id, 'limitApproached');
    expect(warning.data).toEqual({ limit: 'max_requests', value: 8, max: 10 });
    expect(await api.get(id)).toMatchObject({ state: 'ACTIVE', requestCount: 8, maxRequests: 10, recycle: 'close' });
    await ask(id, 2);
    expect(await untilClosed(id)).toBe('max_requests');
    expect((await eventsOf(id)).filter(({ type }) => type === 'limitApproached')).toHaveLength(1);
    expect((await api.get(id)).requestCount).toBe(10);
  });

  it('is not ended in the middle of work: not while something is asked of it again and again', async () => {
    const { id } = await api.create({ maxRequests: 2 });
    const until3s = Date.now() + 3_000;
    while (Date.now() < until3s) await ask(id, 5);
    expect(await api.get(id)).toMatchObject({ closeReason: null });
    expect(await untilClosed(id)).toBe('max_requests');
  });

  it('has none when it is created or changed so', async () => {
    const free = await api.create({ maxRequests: null });
    const freed = await api.create({ maxRequests: 2 });
    await ask(freed.id, 1);
    expectStatus(await api.call('PATCH', `/api/sessions/${freed.id}`, { maxRequests: null }), 200);
    await Promise.all([ask(free.id, 10), ask(freed.id, 10)]);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect((await api.get(free.id)).maxRequests).toBeNull();
    for (const { id } of [free, freed]) {
      expect((await api.get(id)).closeReason).toBeNull();
      await api.end(id);
    }
  });
});

describe('a session that is to be restarted at its limit', () => {
  it('gets a new browser under the same id, with its cookies, storage and pages', async () => {
    const { id, cdpUrl, cdpPort } = await api.create({ maxRequests: 8, recycle: 'restart' });
    const pid = await browserPid(cdpUrl ?? '');
    await api.navigate(id, `${site.origin}/`);
    await api.evaluate(id, 'localStorage.setItem("kept", "yes"); document.cookie = "brief=1"; 1');
    await api.evaluate(id, 'document.cookie = "long=1; max-age=3600"; 1');
    await ask(id, 5);
    const restarted = await untilEvent(id, 'browserRestarted');
    expect(restarted).toMatchObject({ reason: 'max_requests', data: { limit: 'max_requests' } });

    expect(await browserPid(cdpUrl ?? '')).not.toBe(pid);
    expect(await api.evaluate(id, '[document.title, localStorage.getItem("kept"), document.cookie]')).toEqual([
      'home',
      'yes',
      expect.stringMatching(/^(?=.*brief=1)(?=.*long=1)/),
    ]);
    const session = await api.get(id);
    expect(session).toMatchObject({ cdpPort, state: 'ACTIVE', closeReason: null });
    expect(listBrowsers(service.dataDir).filter((each) => each.pid === pid)).toEqual([]);
    await api.end(id);
  });

  it('sends its clients away with 1012, and they come back to the same address', async () => {
    const { id, cdpUrl } = await api.create({ memoryLimitMb: 400, recycle: 'restart' });
    using client = await connectCdp(cdpUrl ?? '');
    await api.evaluate(id, 'globalThis.kept = new Uint8Array(400 * 1024 ** 2).fill(1); 1');
    await client.send('Target.createTarget', { url: `${site.origin}/other` });
    expect(await client.closed).toEqual({ code: 1012, reason: 'browser_restarted' });
    // Asked while the browser is being started anew: the answer waits for it.
    expect(await api.evaluate(id, '6 * 7')).toBe(42);
    const browser = await puppeteer.connect({ browserWSEndpoint: cdpUrl ?? '' });
    const pages = await browser.pages();
    expect(pages.map((page) => page.url())).toContain(`${site.origin}/other`);
    await browser.disconnect();
    await api.end(id);
  });
});

describe('a session with a limit of memory', () => {
  it('is measured', async () => {
    const { id } = await api.create();
    const { usage } = await until('it was measured', async () => {
      const session = await api.get(id);
      return session.usage !== null && session;
    });
    expect(usage?.memoryBytes).toBeGreaterThan(40 * 1024 ** 2);
    expect(usage?.memoryBytes).toBeLessThan(400 * 1024 ** 2);
    expect(usage).toMatchObject({ pageCount: 1 });
    expect(usage?.processCount).toBeGreaterThanOrEqual(5);
    await api.end(id);
  });

  it('is warned of and closed with memory_limit when its pages take too much', async () => {
    const { id } = await api.create({ memoryLimitMb: 400 });
    await api.evaluate(id, 'globalThis.kept = new Uint8Array(400 * 1024 ** 2).fill(1); 1');
    expect(await untilClosed(id)).toBe('memory_limit');
    const warning = (await eventsOf(id)).find(({ type }) => type === 'limitApproached');
    expect(warning?.data).toMatchObject({ limit: 'memory_limit', max: 400 * 1024 ** 2 });
  });
});
