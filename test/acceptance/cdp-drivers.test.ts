import type { Session } from '@guise/contract';
import { chromium } from 'playwright-core';
import { connect as connectPuppeteer } from 'puppeteer-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { Api } from './api.ts';
import { type PageServer, startPageServer } from './page-server.ts';
import { type Service, startService } from './service.ts';
import { until } from './until.ts';

const stack = new AsyncDisposableStack();
let service: Service;
let api: Api;
let site: PageServer;
let session: Session;

beforeAll(async () => {
  site = await startPageServer(stack);
  site.on('/', '<title>Start</title><h1>Hello</h1><a href="/file" download>file</a>');
  site.on('/api', 'from the network');
  site.on('/file', (_request, response) => {
    response.writeHead(200, { 'content-disposition': 'attachment; filename="report.txt"' }).end('downloaded');
  });
  service = await startService(stack, { WARM_POOL_SIZE: '2' });
  ({ api } = service);
});
afterAll(() => stack.disposeAsync());
beforeEach(async () => {
  session = await api.create();
});
afterEach(() => api.end(session.id));

const cdpUrl = (): string => session.cdpUrl ?? '';
const fetchApi = 'fetch("/api").then((answer) => answer.text())';

describe('unmodified Puppeteer', () => {
  it('intercepts requests, sets content, exposes functions, makes contexts, prints and takes pictures', async () => {
    const browser = await connectPuppeteer({ browserWSEndpoint: cdpUrl() });
    const context = await browser.createBrowserContext();
    const page = await context.newPage();
    await page.setRequestInterception(true);
    page.on('request', (request) => {
      if (request.url().endsWith('/api')) void request.respond({ status: 200, body: 'from the client' });
      else if (request.url().endsWith('/start')) void request.continue({ url: `${site.origin}/` });
      else void request.continue();
    });
    await page.goto(`${site.origin}/start`);
    expect(await page.title()).toBe('Start');
    expect(await page.evaluate(fetchApi)).toBe('from the client');
    await page.exposeFunction('double', (value: number) => value * 2);
    expect(await page.evaluate('double(21)')).toBe(42);
    await page.setContent('<h1 id=set>Set</h1>');
    expect(await page.evaluate('document.querySelector("#set").textContent')).toBe('Set');
    expect(
      Buffer.from(await page.pdf())
        .subarray(0, 4)
        .toString(),
    ).toBe('%PDF');
    expect((await page.screenshot()).length).toBeGreaterThan(100);
    await context.close();
    await expect((await browser.newPage()).goto('file:///etc/hostname')).rejects.toThrow('is refused here');
    await browser.disconnect();
  });

  it('closes the browser: its connection ends, the session does not', async () => {
    const browser = await connectPuppeteer({ browserWSEndpoint: cdpUrl() });
    const other = await connectPuppeteer({ browserWSEndpoint: cdpUrl() });
    await browser.close();
    await until('one client is left', async () => (await api.get(session.id)).clients === 1);
    expect(await other.version()).toContain('Chrome');
    expect((await api.get(session.id)).state).toBe('ACTIVE');
    await other.disconnect();
  });
});

describe('unmodified Playwright', () => {
  it('makes contexts, routes requests, exposes functions, sees downloads and takes pictures', async () => {
    const browser = await chromium.connectOverCDP(cdpUrl());
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.route('**/api', (route) => route.fulfill({ body: 'from the client' }));
    await page.goto(`${site.origin}/`);
    expect(await page.evaluate(fetchApi)).toBe('from the client');
    await page.exposeFunction('double', (value: number) => value * 2);
    expect(await page.evaluate('double(21)')).toBe(42);
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('a')]);
    expect(download.suggestedFilename()).toBe('report.txt');
    await page.setContent('<h1 id=set>Set</h1>');
    expect(await page.textContent('#set')).toBe('Set');
    expect((await page.screenshot({ fullPage: true })).length).toBeGreaterThan(100);
    await expect(page.goto('file:///etc/hostname')).rejects.toThrow('is refused here');
    await context.close();
    await browser.close();
    expect((await api.get(session.id)).state).toBe('ACTIVE');
  });
});
