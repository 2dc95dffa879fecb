import { request } from 'node:http';

import type { Session, SessionEventList } from '@guise/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Api, expectStatus } from './api.ts';
import { browserPid, connectCdp } from './cdp-client.ts';
import { type PageServer, startPageServer } from './page-server.ts';
import { expectProblem } from './problem.ts';
import { isRunning, listBrowsers, listProcessesOf } from './processes.ts';
import { expectNothingLeft, openDataDir, type Service, startService, startServiceOn } from './service.ts';
import { until } from './until.ts';

const stack = new AsyncDisposableStack();
let site: PageServer;

beforeAll(async () => {
  site = await startPageServer(stack);
  site.on('/', '<title>Start</title>');
});
afterAll(() => stack.disposeAsync());

const waitForClosed = (api: Api, id: string): Promise<Session> =>
  until(
    'the session is closed',
    async () => {
      const session = await api.get(id);
      return session.state === 'CLOSED' && session;
    },
    { timeoutMs: 30_000 },
  );

async function movesOf(api: Api, id: string): Promise<string[]> {
  const { events } = expectStatus<SessionEventList>(await api.call('GET', `/api/sessions/${id}/events`), 200);
  return events.map(({ fromState, toState }) => `${fromState ?? ''}>${toState ?? ''}`);
}

describe('a session', () => {
  let service: Service;
  let api: Api;
  beforeAll(async () => {
    service = await startService(stack, { WARM_POOL_SIZE: '2' });
    ({ api } = service);
  });

  it('that nobody uses is closed with idle_timeout, and its clients are told', async () => {
    const { id, cdpUrl } = await api.create({ timeoutMs: 1_500 });
    using client = await connectCdp(cdpUrl ?? '');
    expect(await client.closed).toEqual({ code: 1000, reason: 'idle_timeout' });
    const closed = await waitForClosed(api, id);
    expect(closed.closeReason).toBe('idle_timeout');
    // Not earlier than promised, by the service's own clock.
    const idleMs = Date.parse(closed.closedAt ?? '') - Date.parse(closed.lastActivityAt);
    expect(idleMs).toBeGreaterThanOrEqual(1_500);
  });

  it('that is used stays, whether over REST, over CDP or by keepalive, for many times its time-out', async () => {
    const timeoutMs = 2_000;
    const [byRest, byCdp, byKeepalive, unused] = [
      await api.create({ timeoutMs }),
      await api.create({ timeoutMs }),
      await api.create({ timeoutMs }),
      await api.create({ timeoutMs }),
    ];
    using client = await connectCdp(byCdp.cdpUrl ?? '');
    let isClosed = false;
    let uses = 0;
    // As long as it takes for an unused one to be closed, and then as long again.
    const closedAt = waitForClosed(api, unused.id).then(() => performance.now());
    const startedAt = performance.now();
    await until(
      'it has been used for twice the life of an unused one',
      async () => {
        await api.evaluate(byRest.id, '1');
        await client.send('Browser.getVersion');
        expectStatus(await api.call('POST', `/api/sessions/${byKeepalive.id}/keepalive`), 200);
        uses += 1;
        void closedAt.then(() => (isClosed = true));
        return isClosed && performance.now() - startedAt > 2 * ((await closedAt) - startedAt);
      },
      { timeoutMs: 60_000 },
    );
    expect(uses).toBeGreaterThan(2);
    for (const { id } of [byRest, byCdp, byKeepalive]) {
      expect(['ACTIVE', 'IDLE']).toContain((await api.get(id)).state);
      await api.end(id);
    }
  });

  it('is closed with max_lifetime at the end of its life, in use or not', async () => {
    const { id, createdAt } = await api.create({ maxLifetimeMs: 2_500 });
    let answer = await api.call('POST', `/api/sessions/${id}/execute`, { code: '1' });
    await until('it refuses to be used', async () => {
      answer = await api.call('POST', `/api/sessions/${id}/execute`, { code: '1' });
      return answer.status !== 200;
    });
    expect(expectProblem(answer, 410, 'SESSION_ENDED').closeReason).toBe('max_lifetime');
    const closed = await waitForClosed(api, id);
    expect(closed.closeReason).toBe('max_lifetime');
    expect(Date.parse(closed.closedAt ?? '') - Date.parse(createdAt)).toBeGreaterThanOrEqual(2_500);
  });

  it('becomes IDLE when nobody uses it and ACTIVE when somebody does, and its history says so', async () => {
    const { id } = await api.create({ timeoutMs: 6_000 });
    await until('it is idle', async () => (await api.get(id)).state === 'IDLE', { timeoutMs: 20_000 });
    expect(await api.evaluate(id, '1 + 1')).toBe(2);
    expect((await api.get(id)).state).toBe('ACTIVE');
    expect(await movesOf(api, id)).toEqual(['>INITIALIZING', 'INITIALIZING>ACTIVE', 'ACTIVE>IDLE', 'IDLE>ACTIVE']);
    await api.end(id);
  });

  it('follows a time-out that is changed while it lives', async () => {
    const { id } = await api.create();
    expectStatus(await api.call('PATCH', `/api/sessions/${id}`, { timeoutMs: 1_000 }), 200);
    expect((await waitForClosed(api, id)).closeReason).toBe('idle_timeout');
  });

  it('leaves no cookie, storage, cache or permission to the one after it', { tags: 'same-machine' }, async () => {
    const write = `document.cookie = 'secret=1; max-age=3600'; localStorage.setItem('secret', '1');
      sessionStorage.setItem('secret', '1'); await caches.open('secret');
      await new Promise((done) => { const asked = indexedDB.open('secret'); asked.onsuccess = () => { asked.result.close(); done(); }; });
      return document.cookie`;
    const read = `const databases = await indexedDB.databases();
      return [document.cookie, localStorage.length, sessionStorage.length, await caches.keys(), databases.length, history.length]`;
    const pids: number[] = [];
    for (let round = 0; round < 4; round += 1) {
      const { id, cdpUrl } = await api.create();
      await api.navigate(id, `${site.origin}/`);
      expect(await api.evaluate(id, read)).toEqual(['', 0, 0, [], 0, expect.any(Number)]);
      expect((await api.call('GET', `/api/sessions/${id}/cookies`)).json()).toEqual({ cookies: [] });
      expect(await api.evaluate(id, write)).toBe('secret=1');
      pids.push(await browserPid(cdpUrl ?? ''));
      await api.end(id);
    }
    expect(new Set(pids).size).toBe(4);
  });

  it('never shares anything with one that lives at the same time', async () => {
    const [one, other] = [await api.create(), await api.create()];
    for (const { id } of [one, other]) await api.navigate(id, `${site.origin}/`);
    await api.evaluate(
      one.id,
      'document.cookie = "secret=1"; localStorage.setItem("secret", "1"); new BroadcastChannel("c").postMessage(1)',
    );
    expect(await api.evaluate(other.id, '[document.cookie, localStorage.length]')).toEqual(['', 0]);
    await Promise.all([api.end(one.id), api.end(other.id)]);
  });
});

describe('the warm pool', { tags: 'own-process' }, () => {
  it('never hands out a browser that was killed while it waited, and is filled again', async () => {
    await using own = new AsyncDisposableStack();
    const service = await startService(own, { WARM_POOL_SIZE: '2' });
    const { api } = service;
    const isFull = async (): Promise<boolean> => (await api.status()).warmPool.ready === 2;
    await until('the pool is full', isFull);
    for (let round = 0; round < 3; round += 1) {
      for (const { pid } of listBrowsers(service.dataDir)) process.kill(pid, 'SIGKILL');
      // At once: the service may or may not have noticed.
      const { id } = await api.create();
      expect(await api.evaluate(id, '6 * 7')).toBe(42);
      await api.end(id);
      await until('the pool is full again', isFull, { timeoutMs: 30_000 });
    }
  });

  it('gives a create its browser and replaces it in the background', async () => {
    await using own = new AsyncDisposableStack();
    const service = await startService(own, { WARM_POOL_SIZE: '1' });
    const { api } = service;
    await until('the pool is full', async () => (await api.status()).warmPool.ready === 1);
    const [warm] = listBrowsers(service.dataDir);
    const { id } = await api.create();
    await until('another one waits', async () => (await api.status()).warmPool.ready === 1);
    const running = listBrowsers(service.dataDir);
    expect(running).toHaveLength(2);
    expect(running.map(({ pid }) => pid)).toContain(warm?.pid);
    await api.end(id);
    expect(warm && isRunning(warm)).toBe(false);
  });
});

describe('a node that is full', { tags: 'own-settings' }, () => {
  let api: Api;
  let service: Service;
  beforeAll(async () => {
    const settings = { MAX_SESSIONS: '1', QUEUE_LIMIT: '2', QUEUE_TIMEOUT_MS: '4000', WARM_POOL_SIZE: '1' };
    service = await startService(stack, settings);
    ({ api } = service);
  });

  const queued = async (length: number): Promise<void> => {
    await until(`${length} wait in line`, async () => (await api.status()).sessions.queued === length);
  };

  it('lets creates wait in line, first come first served, until a place is free', async () => {
    const holder = await api.create();
    const order: string[] = [];
    const create = async (name: string): Promise<Session> => {
      const session = await api.create({ metadata: { name } });
      order.push(name);
      return session;
    };
    const first = create('first');
    await queued(1);
    const second = create('second');
    await queued(2);
    await api.end(holder.id);
    await api.end((await first).id);
    await api.end((await second).id);
    expect(order).toEqual(['first', 'second']);
    expect((await api.status()).sessions).toMatchObject({ live: 0, queued: 0, limit: 1, queueLimit: 2 });
  });

  it('answers 429 with Retry-After at once when the line is full, and to those in line when they waited too long', async () => {
    const holder = await api.create();
    const inLine = [api.call('POST', '/api/sessions'), api.call('POST', '/api/sessions')];
    await queued(2);
    const refused = await api.call('POST', '/api/sessions');
    // Those in line still wait: the refusal did not come because time was up.
    expect((await api.status()).sessions.queued).toBe(2);
    for (const answer of [refused, ...(await Promise.all(inLine))]) {
      const problem = expectProblem(answer, 429, 'CAPACITY_EXHAUSTED');
      expect(problem.retryable).toBe(true);
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
      expect(answer.headers['retry-after']).toBe(String(problem.retryAfterSeconds));
    }
    await api.end(holder.id);
    const { id } = await api.create();
    await api.end(id);
  });

  it('gives the place of a client that went away while it waited to the next one', async () => {
    const holder = await api.create();
    const impatient = request(`${service.address}/api/sessions`, { method: 'POST', agent: false });
    impatient.on('error', () => undefined);
    impatient.end();
    await queued(1);
    const patient = api.create();
    await queued(2);
    impatient.destroy();
    await queued(1);
    await api.end(holder.id);
    await api.end((await patient).id);
    expect((await api.status()).sessions).toMatchObject({ live: 0, queued: 0 });
    // Nothing was created for who went away.
    const { sessions } = expectStatus<{ sessions: Session[] }>(
      await api.call('GET', '/api/sessions?state=ACTIVE'),
      200,
    );
    expect(sessions).toEqual([]);
  });

  it('has its place back after a session ended in whatever way', async () => {
    const crashed = await api.create();
    for (const { pid } of listBrowsers(service.dataDir)) process.kill(pid, 'SIGKILL');
    expect((await waitForClosed(api, crashed.id)).closeReason).toBe('browser_crashed');
    const timedOut = await api.create({ timeoutMs: 1_000 });
    expect((await waitForClosed(api, timedOut.id)).closeReason).toBe('idle_timeout');
    const { id } = await api.create();
    await api.end(id);
    expect((await api.status()).sessions.live).toBe(0);
  });
});

describe('the end of the service', { tags: 'own-process' }, () => {
  it('by SIGTERM ends every session, also those in the making, and exits with 0; the rows tell why', async () => {
    await using own = new AsyncDisposableStack();
    const dataDir = await openDataDir(own);
    const service = own.use(await startServiceOn(dataDir, { WARM_POOL_SIZE: '1', MAX_SESSIONS: '3' }));
    const live = [await service.api.create(), await service.api.create({ headless: false })];
    const inTheMaking = service.api.call('POST', '/api/sessions', { locale: 'de-DE' }).catch(() => undefined);
    await until('a third one is starting', async () => {
      const answer = await service.api.call('GET', '/api/sessions?state=INITIALIZING');
      return expectStatus<{ sessions: Session[] }>(answer, 200).sessions.length === 1;
    });
    const inLine = service.api.call('POST', '/api/sessions').catch(() => undefined);
    await until('a fourth one waits', async () => (await service.api.status()).sessions.queued === 1);
    const running = service.api.call('POST', `/api/sessions/${live[0]?.id ?? ''}/execute`, {
      code: 'new Promise(() => {})',
    });
    const known = listProcessesOf(dataDir);
    expect(await service.end('SIGTERM')).toBe(0);
    await expectNothingLeft(dataDir, known);
    const answers = await Promise.all([inLine, inTheMaking, running.catch(() => undefined)]);
    // Who still hears an answer hears that the node shuts down, or that the session has ended: never an internal error.
    for (const answer of answers) if (answer !== undefined) expect([410, 503]).toContain(answer.status);

    const next = own.use(await startServiceOn(dataDir, { WARM_POOL_SIZE: '0' }));
    const list = expectStatus<{ sessions: Session[] }>(await next.api.call('GET', '/api/sessions'), 200);
    expect(list.sessions).toHaveLength(3);
    for (const { state, closeReason, closedAt } of list.sessions) {
      expect([state, closeReason]).toEqual(['CLOSED', 'shutdown']);
      expect(closedAt).not.toBeNull();
    }
  });

  it('by SIGINT is the same', async () => {
    await using own = new AsyncDisposableStack();
    const dataDir = await openDataDir(own);
    const service = own.use(await startServiceOn(dataDir));
    await service.api.create();
    expect(await service.end('SIGINT')).toBe(0);
    await expectNothingLeft(dataDir);
  });
});
