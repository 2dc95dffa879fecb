import type { Session, SessionEventList } from '@guise/contract';
import { describe, expect, it } from 'vitest';

import { expectStatus } from './api.ts';
import { browserPid, connectCdp } from './cdp-client.ts';
import { expectProblem } from './problem.ts';
import { listBrowsers, listDisplays, listProcessesOf } from './processes.ts';
import { openDataDir, startServiceOn } from './service.ts';
import { until } from './until.ts';

describe('a service that was killed and is started again', () => {
  it('goes on with its sessions: the same ids, pages and addresses, with and without a window', async () => {
    await using stack = new AsyncDisposableStack();
    const dataDir = await openDataDir(stack);
    const first = await startServiceOn(dataDir);
    const port = new URL(first.address).port;
    const sessions = [await first.api.create(), await first.api.create({ headless: false, locale: 'de-DE' })];
    const pids = await Promise.all(sessions.map(({ cdpUrl }) => browserPid(cdpUrl ?? '')));
    for (const { id } of sessions) {
      await first.api.navigate(id, 'data:text/html,<title>before</title>');
      await first.api.evaluate(id, 'globalThis.counter = 41; 1');
    }
    expect(await first.end('SIGKILL')).toBeNull();

    const second = stack.use(await startServiceOn(dataDir, { PORT: port }));

    for (const [index, { id, cdpUrl, cdpPort }] of sessions.entries()) {
      expect(await second.api.get(id)).toMatchObject({ state: 'ACTIVE', cdpUrl, cdpPort });
      expect(await second.api.evaluate(id, '[document.title, ++counter, navigator.language]')).toEqual([
        'before',
        42,
        index === 0 ? 'en-US' : 'de-DE',
      ]);
      expect(await browserPid(cdpUrl ?? '')).toBe(pids[index]);
      const { events } = expectStatus<SessionEventList>(
        await second.api.call('GET', `/api/sessions/${id}/events`),
        200,
      );
      expect(events.map(({ type }) => type)).toContain('adopted');
    }
    // What is left besides is the warm pool of the second: nothing of the first without a session.
    const warm = (await second.api.status()).warmPool;
    await until('only owned browsers run', async () => {
      const { ready } = (await second.api.status()).warmPool;
      return ready === warm.size && listBrowsers(dataDir).length === sessions.length + ready;
    });

    const [one, other] = sessions;
    await second.api.end(one?.id ?? '');
    process.kill(pids[1] ?? 0, 'SIGKILL');
    await until(
      'the crash of the other is noticed',
      async () => (await second.api.get(other?.id ?? '')).state === 'CLOSED',
    );
    expect((await second.api.get(other?.id ?? '')).closeReason).toBe('browser_crashed');
    await until('its display is gone', () => listDisplays(dataDir).length === 0);
  });

  it('survives being killed again and again', async () => {
    await using stack = new AsyncDisposableStack();
    const dataDir = await openDataDir(stack);
    const first = await startServiceOn(dataDir, { WARM_POOL_SIZE: '0' });
    const { id } = await first.api.create();
    await first.api.evaluate(id, 'globalThis.kills = 0; 1');
    await first.end('SIGKILL');
    for (let kill = 1; kill <= 3; kill += 1) {
      const next = await startServiceOn(dataDir, { WARM_POOL_SIZE: '0' });
      expect(await next.api.evaluate(id, '++kills')).toBe(kill);
      await next.end('SIGKILL');
    }
    const last = stack.use(await startServiceOn(dataDir, { WARM_POOL_SIZE: '0' }));
    await last.api.end(id);
    expect(listBrowsers(dataDir)).toEqual([]);
  });

  it('knows how much its sessions were used, but for the last seconds', async () => {
    await using stack = new AsyncDisposableStack();
    const dataDir = await openDataDir(stack);
    const first = await startServiceOn(dataDir, { WARM_POOL_SIZE: '0' });
    const { id } = await first.api.create();
    for (let count = 0; count < 5; count += 1) await first.api.evaluate(id, '1');
    const { requestCount } = await first.api.get(id);
    // Use is recorded as often as it is measured. Kept alive meanwhile: going idle would record it too.
    const measuredAt = async (): Promise<string | undefined> =>
      expectStatus<Session>(await first.api.call('POST', `/api/sessions/${id}/keepalive`), 200).usage?.sampledAt;
    for (let count = 0; count < 2; count += 1) {
      const before = await measuredAt();
      await until('it is measured', async () => (await measuredAt()) !== before);
    }
    await first.end('SIGKILL');
    const second = stack.use(await startServiceOn(dataDir, { WARM_POOL_SIZE: '0' }));
    expect((await second.api.get(id)).requestCount).toBe(requestCount);
  });

  it('does not wait for browsers that hang: one goes on when it answers again, one is ended as asked', async () => {
    await using stack = new AsyncDisposableStack();
    const dataDir = await openDataDir(stack);
    const first = await startServiceOn(dataDir, { WARM_POOL_SIZE: '0' });
    const sessions = [await first.api.create(), await first.api.create(), await first.api.create()] as const;
    const [working, slow, hung] = sessions.map(({ id }) => id) as [string, string, string];
    const pids = await Promise.all(sessions.map(({ cdpUrl }) => browserPid(cdpUrl ?? '')));
    await first.api.evaluate(slow, 'globalThis.counter = 41; 1');
    await first.end('SIGKILL');
    for (const pid of pids.slice(1)) process.kill(pid, 'SIGSTOP');

    const second = stack.use(await startServiceOn(dataDir, { WARM_POOL_SIZE: '0' }));

    expect(await second.api.evaluate(working, '1 + 1')).toBe(2);
    const refused = await second.api.call('POST', `/api/sessions/${slow}/execute`, { code: '1' });
    expectProblem(refused, 409, 'SESSION_NOT_READY');
    process.kill(pids[1] ?? 0, 'SIGCONT');
    expect(await until('it is taken over', () => second.api.evaluate(slow, '++counter'))).toBe(42);
    expect(await second.api.end(hung)).toMatchObject({ state: 'CLOSED', closeReason: 'requested' });
    expect(listBrowsers(dataDir)).toHaveLength(2);
  });

  it('closes what it cannot take over: a browser that died meanwhile, one that was never a session, one made by connecting', async () => {
    await using stack = new AsyncDisposableStack();
    const dataDir = await openDataDir(stack);
    const first = await startServiceOn(dataDir);
    const dead = await first.api.create();
    const pid = await browserPid(dead.cdpUrl ?? '');
    using _client = await connectCdp(`${first.address.replace('http', 'ws')}/connect?keepAliveMs=60000`);
    await until('a warm browser waits', async () => (await first.api.status()).warmPool.ready === 1);
    await first.end('SIGKILL');
    process.kill(pid, 'SIGKILL');

    const second = stack.use(await startServiceOn(dataDir, { WARM_POOL_SIZE: '0' }));

    expect(await second.api.get(dead.id)).toMatchObject({ state: 'CLOSED', closeReason: 'node_lost' });
    expect((await second.api.status()).sessions.live).toBe(0);
    expect(listBrowsers(dataDir)).toEqual([]);
  });

  it('ends them all where it is told to', async () => {
    await using stack = new AsyncDisposableStack();
    const dataDir = await openDataDir(stack);
    const first = await startServiceOn(dataDir, { WARM_POOL_SIZE: '0' });
    const { id } = await first.api.create();
    const known = listProcessesOf(dataDir).length;
    expect(known).toBeGreaterThan(5);
    await first.end('SIGKILL');

    const second = stack.use(await startServiceOn(dataDir, { WARM_POOL_SIZE: '0', ORPHANS: 'end' }));

    expect(await second.api.get(id)).toMatchObject({ state: 'CLOSED', closeReason: 'node_lost' });
    expect(listBrowsers(dataDir)).toEqual([]);
  });
});
