import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Session, SessionList } from '@guise/contract';
import puppeteer from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Api, expectStatus } from './api.ts';
import { connectCdp, tryUpgrade } from './cdp-client.ts';
import { expectProblem } from './problem.ts';
import { listBrowsers, type ProcessInfo } from './processes.ts';
import { maskedFrame, sendRaw, upgradeRequest } from './raw-websocket.ts';
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

const address = (query: string): string =>
  `${service.address.replace('http', 'ws')}/connect?apiKey=${service.key ?? 'none'}&${query}`;

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
    const query = `timezone=Asia/Tokyo&viewport=${viewport}&metadata.job=one`;
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
    await until('nobody is connected', async () => (await api.get(id)).clients === 0);
    const second = await connectCdp(cdpUrl ?? '');
    const third = await connectCdp(cdpUrl ?? '');
    second[Symbol.dispose]();
    expect((await api.get(id)).state).toBe('ACTIVE');
    third[Symbol.dispose]();
    expect((await closed(id)).closeReason).toBe('client_disconnected');
  });

  it('is refused before the upgrade when an option is wrong, and no session is made', async () => {
    const newest = async (): Promise<string> => (await api.call('GET', '/api/sessions?limit=1')).text;
    const before = await newest();
    for (const [query, field] of [
      ['headless=maybe', '/headless'],
      ['colour=red', '/colour'],
      ['keepAliveMs=-1', '/keepAliveMs'],
      ['launchArgs=["--no-sandbox"]', '/launchArgs/0'],
    ] as const) {
      const problem = expectProblem(await tryUpgrade(address(query)), 400, 'VALIDATION_FAILED');
      expect(problem.errors?.map(({ path }) => path)).toEqual([field]);
    }
    expectProblem(await tryUpgrade(address('record=true')), 400, 'OPTION_NOT_AVAILABLE');
    expect(await newest()).toBe(before);
  });
});

/** Connects as a WebSocket client does, and can hang up before it is answered. */
function connectRaw(to: Service, query: string): Socket {
  const { port } = new URL(to.address);
  return sendRaw(Number(port), upgradeRequest(new URL(`${to.address}/connect?apiKey=${to.key ?? 'none'}&${query}`)));
}

describe('a client that goes away before its session is there', () => {
  it('leaves the line it waits in', { tags: 'own-settings' }, async () => {
    await using own = new AsyncDisposableStack();
    const full = await startService(own, { WARM_POOL_SIZE: '0', MAX_SESSIONS: '1' });
    const { id } = await full.api.create();
    const isQueued = async (count: number): Promise<boolean> => (await full.api.status()).sessions.queued === count;
    const resets = connectRaw(full, '');
    await until('it waits', () => isQueued(1));
    resets.resetAndDestroy();
    await until('it does not wait any more', () => isQueued(0));
    const hangsUp = connectRaw(full, '');
    await until('it waits', () => isQueued(1));
    hangsUp.end();
    await until('it does not wait any more', () => isQueued(0));
    hangsUp.destroy();
    await full.api.end(id);
    expect((await full.api.status()).sessions.live).toBe(0);
  });

  const leaveWhileItStarts = async (job: string): Promise<Session> => {
    const client = connectRaw(service, `timezone=Asia/Tokyo&metadata.job=${job}`);
    const { id } = await until('the session is starting', () => sessionLabelled(job));
    client.resetAndDestroy();
    return closed(id);
  };

  it('breaks off the start of its session', async () => {
    expect((await leaveWhileItStarts('three')).closeReason).toBe('client_disconnected');
  });

  it('leaves no browser behind', { tags: 'own-process' }, async () => {
    await leaveWhileItStarts('five');
    const isTokyo = ({ environment }: ProcessInfo): boolean => environment.includes('TZ=Asia/Tokyo');
    await until('its browser is gone', () => !listBrowsers(service.dataDir).some(isTokyo));
  });

  it('loses nothing of what it says while it waits, if it stays', { tags: 'same-machine' }, async () => {
    const early = maskedFrame('{"id":1,"method":"Browser.getVersion"}');
    const client = connectRaw(service, 'timezone=Asia/Tokyo');
    client.write(early.subarray(0, 9));
    await sleep(50);
    client.write(early.subarray(9));
    let received = '';
    client.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')));
    await until('it is answered', () => received.includes('"protocolVersion"'));
    client.destroy();
    await until('its session is over', async () => (await api.status()).sessions.live === 0);
  });
});

describe('Browser.close', () => {
  it('ends a session made for the connection at once, whatever keepAliveMs says', async () => {
    using client = await connectCdp(address('keepAliveMs=600000&metadata.job=four'));
    const { id } = await sessionLabelled('four');
    expect(await client.send('Browser.close')).toEqual({});
    expect(await client.closed).toEqual({ code: 1000, reason: 'the browser was closed' });
    expect((await closed(id)).closeReason).toBe('client_disconnected');
  });

  it('ends for another session only the connection it came over', async () => {
    const session = await api.create();
    using client = await connectCdp(session.cdpUrl ?? '');
    using other = await connectCdp(session.cdpUrl ?? '');
    expect(await client.send('Browser.close')).toEqual({});
    expect(await client.closed).toMatchObject({ code: 1000 });
    expect(await other.send('Browser.getVersion')).toMatchObject({ protocolVersion: '1.3' });
    await api.end(session.id);
  });
});
