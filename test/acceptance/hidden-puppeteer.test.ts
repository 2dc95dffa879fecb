import type { Session } from '@guise/contract';
import { type Browser, connect, type Frame, type Page } from 'puppeteer-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { Api } from './api.ts';
import { startService } from './service.ts';
import { until } from './until.ts';
import { type Findings, REALMS, startWatchfulSite, toSuspicions, type WatchfulSite } from './watchful-site.ts';

const stack = new AsyncDisposableStack();
let api: Api;
let site: WatchfulSite;
/** Run in the page with a node. */
const readText = (node: unknown): unknown => Reflect.get(node as object, 'textContent');

let pristine: Findings[];
let session: Session;
let browser: Browser;

beforeAll(async () => {
  site = await startWatchfulSite(stack);
  ({ api } = await startService(stack, { WARM_POOL_SIZE: '2' }));
  pristine = await site.pristineFindings(api);
});
afterAll(() => stack.disposeAsync());

async function open(stealthLevel: 'none' | 'basic'): Promise<void> {
  session = await api.create({ stealthLevel });
  browser = await connect({ browserWSEndpoint: session.cdpUrl ?? '' });
}
afterEach(async () => {
  await browser.disconnect();
  await api.end(session.id);
});

async function openMain(): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(site.url, { waitUntil: 'load' });
  return page;
}

describe('a page that looks for clients, and unmodified Puppeteer without stealth', { tags: 'same-machine' }, () => {
  beforeEach(() => open('none'));

  it('notices it in every realm: the probes work', async () => {
    const page = await openMain();
    await page.exposeFunction('double', (value: number) => value * 2);
    await page.evaluate('watched(1)');
    const findings = await site.findingsOf(REALMS, () => page.click('#probe'));
    const suspicions = toSuspicions(findings, { pristine }).join('\n');
    for (const realm of ['main', 'frame', 'worker']) expect(suspicions).toContain(`${realm}: stack read`);
    for (const realm of ['main', 'frame']) expect(suspicions).toContain(`${realm}: a table costs`);
    expect(suspicions).toContain('at pptr:evaluate');
    expect(suspicions).toContain('main: has puppeteer_double');
  });
});

describe('unmodified Puppeteer in a session that hides it', { tags: 'same-machine' }, () => {
  beforeEach(() => open('basic'));

  it('finds nothing where nobody drives', () => {
    expect(toSuspicions(pristine, { pristine })).toEqual([]);
  });

  it('drives a page that does not notice it in any realm', async () => {
    const page = await browser.newPage();
    const told: unknown[] = [];
    await page.exposeFunction('tell', (value: unknown) => {
      told.push(value);
      return told.length;
    });
    await page.evaluateOnNewDocument('self.early = typeof tell; tell("at document start")');
    await page.goto(site.url, { waitUntil: 'networkidle0' });
    expect(await page.title()).toBe('Watchful');
    expect(await page.evaluate('[secret, early, typeof tell].join()')).toBe('of the page,function,function');
    await page.type('#name', 'World');
    await page.click('#greet');
    await page.waitForFunction('greeting.textContent === "Hello World" && secret');
    expect(await page.$eval('#greeting', readText)).toBe('Hello World');
    expect(await page.$$eval('iframe', ({ length }) => length)).toBe(2);
    expect(await (await page.waitForSelector('aria/Greet'))?.evaluate(readText)).toBe('Greet');
    expect(await page.evaluate('watched(tell({ deep: [1] }))')).toBeGreaterThan(0);
    expect(told).toEqual(expect.arrayContaining(['at document start', { deep: [1] }]));

    const isFrame = (frame: Frame): boolean => frame.url().endsWith('/frame');
    const frames = page.frames().filter(isFrame);
    expect(frames).toHaveLength(2);
    for (const frame of frames) {
      expect(await frame.evaluate('watched(document.title + secret)')).toBe('Frameof the page');
      expect(await (await frame.waitForSelector('#inside'))?.evaluate(readText)).toBe('inside');
      expect(await frame.evaluate('tell("in a frame")')).toBeGreaterThan(0);
    }
    const worker = await until('there is a worker', () => page.workers()[0]);
    expect(await worker.evaluate('watched(secret)')).toBe('of the page');
    const serviceWorker = await browser.waitForTarget((target) => target.url().endsWith('/service-worker.js'));
    expect(await (await serviceWorker.worker())?.evaluate('watched(secret)')).toBe('of the page');

    const handle = await page.evaluateHandle('({ answer: document.querySelector("h1") })');
    const heading = (await handle.getProperties()).get('answer');
    expect(await heading?.evaluate(readText)).toBe('Hello');

    const findings = await site.findingsOf(REALMS, () => page.click('#probe'));
    expect(toSuspicions(findings, { pristine, own: ['tell', 'early', 'greet'] })).toEqual([]);
  });

  it('has console messages, popups, dialogs, file choosers, interception, pictures and history', async () => {
    const page = await openMain();
    const messages: string[] = [];
    page.on('console', (message) =>
      messages.push(`${message.type()}: ${message.text()} ${message.location().url ?? ''}`),
    );
    page.on('dialog', (dialog) => void dialog.accept('typed'));
    await page.reload();
    await page.evaluate('console.warn("careful", 2)');
    await until('both messages are there', () => messages.includes('warn: careful 2 '));
    expect(messages).toContain(`log: loading 1 null ${site.url}`);
    expect(await page.evaluate('prompt("?")')).toBe('typed');

    const [popup] = await Promise.all([
      new Promise<Page | null>((resolve) => page.once('popup', resolve)),
      page.click('#popup'),
    ]);
    expect(await popup?.evaluate('secret')).toBe('of the page');
    expect(await (await popup?.waitForSelector('#inside'))?.evaluate(readText)).toBe('popup');
    const findings = await site.findingsOf(['popup'], async () => popup?.evaluate('postMessage("probe")'));
    expect(toSuspicions(findings, { pristine })).toEqual([]);
    await popup?.close();

    const [chooser] = await Promise.all([page.waitForFileChooser(), page.click('#file')]);
    expect(chooser.isMultiple()).toBe(false);
    await page.setRequestInterception(true);
    page.on('request', (request) => {
      if (request.url().endsWith('/made-up'))
        void request.respond({ body: '<title>Made up</title>', contentType: 'text/html' });
      else void request.continue();
    });
    await page.goto(`${site.origin}/made-up`);
    expect(await page.title()).toBe('Made up');
    await page.goBack();
    expect(await page.evaluate('document.title + secret')).toBe('Watchfulof the page');
    await page.goto(site.url.replace('127.0.0.1', 'localhost'));
    expect(await page.evaluate('location.hostname + secret')).toBe('localhostof the page');
    expect((await page.screenshot({ fullPage: true })).length).toBeGreaterThan(100);
    expect((await page.pdf()).length).toBeGreaterThan(100);
  });
});
