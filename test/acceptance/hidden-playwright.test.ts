import type { Session } from '@guise/contract';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { Api } from './api.ts';
import { startService } from './service.ts';
import { until } from './until.ts';
import { type Findings, REALMS, startWatchfulSite, toSuspicions, type WatchfulSite } from './watchful-site.ts';

const stack = new AsyncDisposableStack();
let api: Api;
let site: WatchfulSite;
let pristine: Findings[];
let session: Session;
let browser: Browser;
let context: BrowserContext;

beforeAll(async () => {
  site = await startWatchfulSite(stack);
  site.server.on('/file', (_request, response) => {
    response.writeHead(200, { 'content-disposition': 'attachment; filename="report.txt"' }).end('downloaded');
  });
  ({ api } = await startService(stack, { WARM_POOL_SIZE: '2' }));
  pristine = await site.pristineFindings(api);
});
afterAll(() => stack.disposeAsync());

async function open(stealthLevel: 'none' | 'basic'): Promise<void> {
  session = await api.create({ stealthLevel });
  browser = await chromium.connectOverCDP(session.cdpUrl ?? '');
  [context = await browser.newContext()] = browser.contexts();
}
afterEach(async () => {
  await browser.close();
  await api.end(session.id);
});

async function openMain(): Promise<Page> {
  const page = await context.newPage();
  await page.goto(site.url);
  return page;
}

describe('a page that looks for clients, and unmodified Playwright without stealth', { tags: 'same-machine' }, () => {
  beforeEach(() => open('none'));

  it('notices it in every realm: the probes work', async () => {
    const page = await openMain();
    await page.exposeFunction('double', (value: number) => value * 2);
    await page.evaluate('watched(1)');
    const findings = await site.findingsOf(REALMS, () => page.click('#probe'));
    const suspicions = toSuspicions(findings, { pristine }).join('\n');
    for (const realm of ['main', 'frame', 'worker']) expect(suspicions).toContain(`${realm}: stack read`);
    expect(suspicions).toContain('UtilityScript.evaluate');
    expect(suspicions).toContain('main: has __playwright__binding__');
  });
});

describe('unmodified Playwright in a session that hides it', { tags: 'same-machine' }, () => {
  beforeEach(() => open('basic'));

  it('finds nothing where nobody drives', () => {
    expect(toSuspicions(pristine, { pristine })).toEqual([]);
  });

  it('drives a page that does not notice it in any realm', async () => {
    const page = await context.newPage();
    const told: unknown[] = [];
    await page.exposeFunction('tell', (value: unknown) => {
      told.push(value);
      return told.length;
    });
    await context.exposeBinding('ask', ({ frame }, value: unknown) => `${frame.url()} ${String(value)}`);
    await page.addInitScript('self.early = typeof tell; tell("at document start")');
    await page.goto(site.url, { waitUntil: 'networkidle' });
    expect(await page.title()).toBe('Watchful');
    expect(await page.evaluate('[secret, early, typeof tell].join()')).toBe('of the page,function,function');
    await page.fill('#name', 'World');
    await page.getByRole('button', { name: 'Greet' }).click();
    await page.waitForFunction('greeting.textContent === "Hello World" && secret');
    expect(await page.locator('#greeting').textContent()).toBe('Hello World');
    expect(await page.locator('iframe').count()).toBe(2);
    expect(await page.evaluate('watched(tell({ deep: [1] }))')).toBeGreaterThan(0);
    expect(await page.evaluate('ask(7)')).toBe(`${site.url} 7`);
    expect(told).toEqual(expect.arrayContaining(['at document start', { deep: [1] }]));

    for (const name of ['near', 'far']) {
      const frame = page.frame(name);
      expect(await frame?.evaluate('watched(document.title + secret)')).toBe('Frameof the page');
      expect(await frame?.locator('#inside').textContent()).toBe('inside');
      expect(await frame?.evaluate('tell("in a frame")')).toBeGreaterThan(0);
    }
    const worker = await until('there is a worker', () => page.workers()[0]);
    expect(await worker.evaluate('watched(secret)')).toBe('of the page');
    const serviceWorker = await until('there is a service worker', () => context.serviceWorkers()[0]);
    expect(await serviceWorker.evaluate('watched(secret)')).toBe('of the page');
    const handle = await page.evaluateHandle('({ answer: document.querySelector("h1") })');
    expect(
      await (
        await handle.getProperty('answer')
      ).evaluate((node: unknown) => Reflect.get(node as object, 'textContent') as unknown),
    ).toBe('Hello');

    const findings = await site.findingsOf(REALMS, () => page.click('#probe'));
    expect(toSuspicions(findings, { pristine, own: ['tell', 'ask', 'early', 'greet'] })).toEqual([]);
  });

  it('has console messages, popups, dialogs, file choosers, routes, downloads, pictures and history', async () => {
    const page = await openMain();
    const messages: string[] = [];
    page.on('console', (message) => messages.push(`${message.type()}: ${message.text()} ${message.location().url}`));
    page.on('dialog', (dialog) => void dialog.accept('typed'));
    await page.reload();
    await page.evaluate('console.warn("careful", 2)');
    await until('both messages are there', () => messages.some((message) => message.startsWith('warning: careful 2')));
    expect(messages).toContain(`log: loading 1 null ${site.url}`);
    expect(await page.evaluate('prompt("?")')).toBe('typed');

    const [popup] = await Promise.all([page.waitForEvent('popup'), page.click('#popup')]);
    expect(await popup.evaluate('secret')).toBe('of the page');
    expect(await popup.locator('#inside').textContent()).toBe('popup');
    const findings = await site.findingsOf(['popup'], () => popup.evaluate('postMessage("probe")'));
    expect(toSuspicions(findings, { pristine })).toEqual([]);
    await popup.close();

    const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.click('#file')]);
    await chooser.setFiles({ name: 'note.txt', mimeType: 'text/plain', buffer: Buffer.from('a note') });
    expect(await page.evaluate('document.querySelector("#file").files[0].text()')).toBe('a note');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.evaluate('void (location.href = "/file")'),
    ]);
    expect(download.suggestedFilename()).toBe('report.txt');
    await page.route('**/made-up', (route) =>
      route.fulfill({ contentType: 'text/html', body: '<title>Made up</title>' }),
    );
    await page.goto(`${site.origin}/made-up`);
    expect(await page.title()).toBe('Made up');
    await page.goBack({ waitUntil: 'commit' });
    expect(await page.evaluate('document.title + secret')).toBe('Watchfulof the page');
    await page.goto(site.url.replace('127.0.0.1', 'localhost'));
    expect(await page.evaluate('location.hostname + secret')).toBe('localhostof the page');
    expect((await page.screenshot({ fullPage: true })).length).toBeGreaterThan(100);
    expect((await page.pdf()).length).toBeGreaterThan(100);
  });
});
