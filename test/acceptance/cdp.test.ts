import { randomUUID } from 'node:crypto';

import type { Session } from '@guise/contract';
import { chromium } from 'playwright-core';
import { connect as connectPuppeteer } from 'puppeteer-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { type Api, expectStatus } from './api.ts';
import { connectCdp, tryUpgrade } from './cdp-client.ts';
import { send } from './http-client.ts';
import { type PageServer, startPageServer } from './page-server.ts';
import { expectProblem } from './problem.ts';
import { type Service, startService, startServiceOn, openDataDir } from './service.ts';
import { until } from './until.ts';

const LARGE = 4 * 1024 ** 2;

const stack = new AsyncDisposableStack();
let service: Service;
let api: Api;
let site: PageServer;
let session: Session;

beforeAll(async () => {
  site = await startPageServer(stack);
  site.on('/', '<title>Start</title><h1>Hello</h1>');
  site.on('/next', '<title>Next</title>');
  service = await startService(stack, { WARM_POOL_SIZE: '2' });
  ({ api } = service);
});
afterAll(() => stack.disposeAsync());
beforeEach(async () => {
  session = await api.create();
});
afterEach(() => api.end(session.id));

const cdpUrl = (): string => session.cdpUrl ?? '';
const portUrl = (): string => `http://127.0.0.1:${session.cdpPort ?? 0}`;

describe('Puppeteer', () => {
  it('connects to the cdpUrl as it is, finds the page that is there, and drives it', async () => {
    const browser = await connectPuppeteer({ browserWSEndpoint: cdpUrl() });
    const [page, ...others] = await browser.pages();
    expect(others).toEqual([]);
    await page?.goto(`${site.origin}/`);
    expect(await page?.title()).toBe('Start');
    expect(await page?.evaluate('document.querySelector("h1").textContent')).toBe('Hello');
    const picture = await page?.screenshot();
    expect(
      Buffer.from(picture ?? [])
        .subarray(1, 4)
        .toString(),
    ).toBe('PNG');
    const second = await browser.newPage();
    await second.goto(`${site.origin}/next`);
    expect(await second.title()).toBe('Next');
    await second.close();
    await browser.disconnect();
    // REST sees the same page.
    expect(await api.evaluate(session.id, 'document.title')).toBe('Start');
  });

  it('connects to the browserURL of the session’s own port', { tags: 'same-machine' }, async () => {
    const browser = await connectPuppeteer({ browserURL: portUrl() });
    const [page] = await browser.pages();
    await page?.goto(`${site.origin}/next`);
    expect(await api.evaluate(session.id, 'document.title')).toBe('Next');
    await browser.disconnect();
  });

  it('finds the page as it was after it has disconnected and connected again', async () => {
    const before = await connectPuppeteer({ browserWSEndpoint: cdpUrl() });
    const [page] = await before.pages();
    await page?.goto(`${site.origin}/`);
    await page?.evaluate(() => Object.assign(globalThis, { kept: 'state of the page' }));
    await before.disconnect();
    await until('the client has gone', async () => (await api.get(session.id)).clients === 0);
    expect((await api.get(session.id)).state).toBe('ACTIVE');

    const after = await connectPuppeteer({ browserWSEndpoint: cdpUrl() });
    const [again] = await after.pages();
    expect(again?.url()).toBe(`${site.origin}/`);
    expect(await again?.evaluate(() => (globalThis as { kept?: string }).kept)).toBe('state of the page');
    await after.disconnect();
  });

  it('sees the dialogs of a page and answers them, while nobody else does', async () => {
    const browser = await connectPuppeteer({ browserWSEndpoint: cdpUrl() });
    const [page] = await browser.pages();
    const messages: string[] = [];
    page?.on('dialog', (dialog) => {
      messages.push(`${dialog.type()} ${dialog.message()}`);
      void dialog.accept('Ada');
    });
    expect(await page?.evaluate(() => eval('[confirm("Sure?"), prompt("Name?")]') as unknown)).toEqual([true, 'Ada']);
    expect(messages).toEqual(['confirm Sure?', 'prompt Name?']);
    await browser.disconnect();
  });
});

describe('Playwright', () => {
  it('connects to the cdpUrl as it is and finds the default context with its first page', async () => {
    const browser = await chromium.connectOverCDP(cdpUrl());
    const [context, ...others] = browser.contexts();
    expect(others).toEqual([]);
    const pages = context?.pages() ?? [];
    expect(pages).toHaveLength(1);
    const [page] = pages;
    await page?.goto(`${site.origin}/`);
    expect(await page?.title()).toBe('Start');
    expect(await page?.textContent('h1')).toBe('Hello');
    expect(await api.evaluate(session.id, 'document.title')).toBe('Start');
    const second = await context?.newPage();
    await second?.goto(`${site.origin}/next`);
    expect(context?.pages()).toHaveLength(2);
    // For a browser it has connected to, this only disconnects.
    await browser.close();
    expect((await api.get(session.id)).state).toBe('ACTIVE');
  });

  it(
    'connects to the session’s own port, and has its own contexts beside the default one',
    { tags: 'same-machine' },
    async () => {
      const browser = await chromium.connectOverCDP(portUrl());
      const context = await browser.newContext({ colorScheme: 'dark' });
      const page = await context.newPage();
      await page.goto(`${site.origin}/`);
      expect(await page.evaluate('matchMedia("(prefers-color-scheme: dark)").matches')).toBe(true);
      await context.close();
      await browser.close();
    },
  );
});

describe('several clients at once', () => {
  it(
    'share a session: each sees the same pages, and one that goes takes nothing with it',
    { tags: 'same-machine' },
    async () => {
      const [one, other, third] = await Promise.all([
        connectPuppeteer({ browserWSEndpoint: cdpUrl() }),
        connectPuppeteer({ browserURL: portUrl() }),
        chromium.connectOverCDP(cdpUrl()),
      ]);
      const [page] = await one.pages();
      await page?.goto(`${site.origin}/next`);
      expect((await other.pages()).map((each) => each.url())).toEqual([`${site.origin}/next`]);
      expect(
        third
          .contexts()[0]
          ?.pages()
          .map((each) => each.url()),
      ).toEqual([`${site.origin}/next`]);
      expect((await api.get(session.id)).clients).toBe(3);
      await one.disconnect();
      const [shared] = await other.pages();
      expect(await shared?.evaluate(() => 6 * 7)).toBe(42);
      await Promise.all([other.disconnect(), third.close()]);
      await until('all have gone', async () => (await api.get(session.id)).clients === 0);
    },
  );
});

describe('an answer of 4 MB', () => {
  it('passes whole, in both directions, while small ones go on', async () => {
    using client = await connectCdp(cdpUrl());
    const { targetInfos } = await client.send('Target.getTargets');
    const [target] = targetInfos as readonly { targetId: string }[];
    const { sessionId } = await client.send('Target.attachToTarget', { targetId: target?.targetId, flatten: true });
    const evaluate = async (expression: string): Promise<unknown> => {
      const { result } = await client.send('Runtime.evaluate', { expression, returnByValue: true }, String(sessionId));
      return (result as { value: unknown }).value;
    };
    const [large, small] = await Promise.all([evaluate(`'ä'.repeat(${LARGE / 2})`), evaluate('1 + 1')]);
    expect(small).toBe(2);
    expect(large === 'ä'.repeat(LARGE / 2)).toBe(true);
    expect(await evaluate(`${JSON.stringify('x'.repeat(LARGE))}.length`)).toBe(LARGE);
  });
});

describe('the session’s own port', { tags: 'same-machine' }, () => {
  it('answers as a debugging port does, with its own addresses in place of the browser’s', async () => {
    const { host } = new URL(portUrl());
    const version = expectStatus<Record<string, string>>(await send(`${portUrl()}/json/version`), 200);
    expect(version['Browser']).toMatch(/^(Headless)?Chrom(e|ium)\/\d+\./);
    expect(version['webSocketDebuggerUrl']).toMatch(new RegExp(`^ws://${host}/devtools/browser/[\\w-]+$`));
    expect((await tryUpgrade(version['webSocketDebuggerUrl'] ?? '')).status).toBe(101);

    await api.navigate(session.id, `${site.origin}/`);
    const list = expectStatus<Record<string, string>[]>(await send(`${portUrl()}/json/list`), 200);
    expect(list).toHaveLength(1);
    expect(list[0]).toMatchObject({ type: 'page', title: 'Start', url: `${site.origin}/` });
    expect(list[0]?.['webSocketDebuggerUrl']).toBe(`ws://${host}/devtools/page/${list[0]?.['id'] ?? ''}`);
    for (const answer of [version, list]) {
      const addresses = JSON.stringify(answer).match(/127\.0\.0\.1:\d+(?=\/devtools)/g) ?? [];
      expect(new Set(addresses)).toEqual(new Set([host]));
    }
    const protocol = expectStatus<{ domains: { domain: string }[] }>(await send(`${portUrl()}/json/protocol`), 200);
    expect(protocol.domains.map(({ domain }) => domain)).toContain('Runtime');
  });

  it('opens, shows and closes tabs as a debugging port does', async () => {
    const opened = await send(`${portUrl()}/json/new?${encodeURIComponent(`${site.origin}/next`)}`, { method: 'PUT' });
    const { id } = expectStatus<{ id: string }>(opened, 200);
    const titles = async (): Promise<string[]> =>
      expectStatus<{ title: string }[]>(await send(`${portUrl()}/json`), 200).map(({ title }) => title);
    await until('the tab is listed', async () => (await titles()).includes('Next'));
    expect((await send(`${portUrl()}/json/activate/${id}`)).status).toBe(200);
    expect((await send(`${portUrl()}/json/close/${id}`)).status).toBe(200);
    await until('the tab is gone', async () => !(await titles()).includes('Next'));
  });

  it('serves nothing else, and no target that does not exist', async () => {
    expectProblem(await send(`${portUrl()}/devtools/inspector.html`), 404, 'ROUTE_NOT_FOUND');
    expectProblem(await send(`${portUrl()}/`), 404, 'ROUTE_NOT_FOUND');
    const ws = portUrl().replace('http', 'ws');
    expectProblem(await tryUpgrade(`${ws}/devtools/page/0000`), 404, 'TARGET_NOT_FOUND');
    expectProblem(await tryUpgrade(`${ws}/elsewhere`), 404, 'TARGET_NOT_FOUND');
  });
});

describe('an upgrade', () => {
  it('without the session’s token, or with another one’s, is 401 before any WebSocket is opened', async () => {
    const other = await api.create();
    const address = cdpUrl().split('?')[0] ?? '';
    const tokens = [
      '',
      '?token=',
      '?token=wrong',
      `?token=${'A'.repeat(43)}`,
      `?${(other.cdpUrl ?? '').split('?')[1] ?? ''}`,
    ];
    for (const query of tokens) {
      const answer = await tryUpgrade(address + query);
      expectProblem(answer, 401, 'UNAUTHORIZED');
      expect(answer.headers['www-authenticate']).toBe('Bearer');
    }
    expect((await tryUpgrade(cdpUrl())).status).toBe(101);
    await api.end(other.id);
  });

  it('to a session that has ended is 410 with the reason, and to one that never was no different from a wrong token', async () => {
    const other = await api.create();
    await api.end(other.id);
    expect(expectProblem(await tryUpgrade(other.cdpUrl ?? ''), 410, 'SESSION_ENDED').closeReason).toBe('requested');
    const unknown = cdpUrl().replace(session.id, randomUUID());
    expectProblem(await tryUpgrade(unknown), 401, 'UNAUTHORIZED');
  });

  it('to an address that speaks no WebSocket is 404, and to the live view of a later version 501', async () => {
    const ws = service.address.replace('http', 'ws');
    expectProblem(await tryUpgrade(`${ws}/api/nothing`), 404, 'ROUTE_NOT_FOUND');
    expectProblem(await tryUpgrade(session.liveUrl ?? ''), 501, 'NOT_AVAILABLE');
  });

  it('is what the address wants: a plain request is told so', async () => {
    const plain = await send(cdpUrl().replace('ws:', 'http:'));
    expectProblem(plain, 426, 'UPGRADE_REQUIRED');
  });
});

describe('the end of a session', () => {
  it('is told to its clients with 1000 and the reason when it was asked for', async () => {
    using client = await connectCdp(cdpUrl());
    await api.end(session.id);
    expect(await client.closed).toEqual({ code: 1000, reason: 'requested' });
  });

  it('is told with 1001 when the service shuts down', { tags: 'own-process' }, async () => {
    await using own = new AsyncDisposableStack();
    const dataDir = await openDataDir(own);
    const stopping = own.use(await startServiceOn(dataDir, { WARM_POOL_SIZE: '0' }));
    const { cdpUrl: url } = await stopping.api.create();
    using client = await connectCdp(url ?? '');
    const ended = stopping.end('SIGTERM');
    expect(await client.closed).toEqual({ code: 1001, reason: 'shutdown' });
    expect(await ended).toBe(0);
  });
});
