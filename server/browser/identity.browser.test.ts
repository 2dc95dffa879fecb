import { describe, expect, it } from 'vitest';

import { openPageServer } from '../testing/page-server.ts';
import { openTestHost, PLAIN_BROWSER } from '../testing/test-host.ts';
import { launchBrowser } from './launch-browser.ts';
import type { BrowserHost, BrowserSpec } from './browser-spec.ts';

const soon = (): AbortSignal => AbortSignal.timeout(20_000);

/** What a page, a worker and a frame of it, and the requests of all three say about the browser. */
const PROBE = `(async () => {
  const describe = async (scope) => JSON.stringify({
    webdriver: scope.navigator.webdriver,
    userAgent: scope.navigator.userAgent,
    hints: await scope.navigator.userAgentData.getHighEntropyValues([
      'architecture', 'bitness', 'model', 'platformVersion', 'fullVersionList', 'formFactors', 'wow64',
    ]),
  });
  const worker = new Worker('/worker.js');
  const fromWorker = await new Promise((resolve) => { worker.onmessage = ({ data }) => resolve(data); });
  const frame = document.createElement('iframe');
  frame.src = '/frame';
  const loaded = new Promise((resolve) => { frame.onload = resolve; });
  document.body.append(frame);
  await loaded;
  return [await describe(self), fromWorker, await describe(frame.contentWindow)].map((text) => JSON.parse(text));
})()`;

const WORKER = `(async () => postMessage(JSON.stringify({
  webdriver: navigator.webdriver,
  userAgent: navigator.userAgent,
  hints: await navigator.userAgentData.getHighEntropyValues([
    'architecture', 'bitness', 'model', 'platformVersion', 'fullVersionList', 'formFactors', 'wow64',
  ]),
})))()`;

interface Realm {
  readonly webdriver?: boolean;
  readonly userAgent: string;
  readonly hints: Record<string, unknown>;
}

async function probe(
  stack: AsyncDisposableStack,
  host: BrowserHost,
  spec: BrowserSpec,
): Promise<{ realms: Realm[]; userAgents: Set<string> }> {
  const userAgents = new Set<string>();
  const origin = await openPageServer(stack, ({ url, headers }, response) => {
    userAgents.add(headers['user-agent'] ?? '');
    response.setHeader('content-type', url === '/worker.js' ? 'text/javascript' : 'text/html');
    response.end(url === '/worker.js' ? WORKER : '<!doctype html><body>page</body>');
  });
  await using browser = await launchBrowser(spec, host, soon());
  const page = await browser.page(soon());
  await page.navigate({ url: origin }, soon());
  const { result } = await page.execute({ code: PROBE }, soon());
  return { realms: result as Realm[], userAgents };
}

describe('a browser that hides its automation', () => {
  it('says in every realm and request what the same Chromium says with a window and nothing set', async () => {
    await using stack = new AsyncDisposableStack();
    const host = await openTestHost(stack);
    const native = await probe(stack, host, { ...PLAIN_BROWSER, headless: false, hideAutomation: false });
    const hidden = await probe(stack, host, PLAIN_BROWSER);

    expect(native.realms[0]?.webdriver).toBe(true);
    const [page, worker, frame] = hidden.realms;
    expect([page?.webdriver, frame?.webdriver]).toEqual([false, false]);
    for (const realm of [page, worker, frame]) {
      expect(realm?.userAgent).toBe(native.realms[0]?.userAgent);
      expect(realm?.hints).toEqual(native.realms[0]?.hints);
    }
    expect(hidden.userAgents).toEqual(native.userAgents);
    expect([...hidden.userAgents].join()).not.toContain('Headless');
  });
});

describe('the options of a browser', () => {
  it('reach the page', async () => {
    await using stack = new AsyncDisposableStack();
    const host = await openTestHost(stack);
    const origin = await openPageServer(stack, ({ headers }, response) => response.end(headers['accept-language']));
    const spec: BrowserSpec = {
      ...PLAIN_BROWSER,
      viewport: { width: 1_000, height: 600, deviceScaleFactor: 2 },
      timezone: 'Asia/Tokyo',
      locale: 'de-DE',
      geolocation: { latitude: 48.1, longitude: 11.5 },
      userAgent: 'Custom/1.0',
    };
    for (const headless of [true, false]) {
      await using browser = await launchBrowser({ ...spec, headless }, host, soon());
      const page = await browser.page(soon());
      await page.navigate({ url: origin }, soon());
      const code = `await (async () => ({
        size: [innerWidth, innerHeight, devicePixelRatio],
        timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
        locale: Intl.DateTimeFormat().resolvedOptions().locale,
        languages: navigator.languages,
        header: document.body.innerText,
        userAgent: navigator.userAgent,
        position: await new Promise((resolve, reject) =>
          navigator.geolocation.getCurrentPosition(
            ({ coords }) => resolve([coords.latitude, coords.longitude]),
            ({ message }) => reject(new Error(message)))),
      }))()`;
      const { result } = await page.execute({ code }, soon());
      expect(result, headless ? 'headless' : 'headful').toEqual({
        size: [1_000, 600, 2],
        timezone: 'Asia/Tokyo',
        locale: 'de-DE',
        languages: ['de-DE', 'de'],
        header: 'de-DE,de;q=0.9',
        userAgent: 'Custom/1.0',
        position: [48.1, 11.5],
      });
    }
  });

  it('resize the page of a running browser to the pixel, and of its next tab too', async () => {
    await using stack = new AsyncDisposableStack();
    const host = await openTestHost(stack);
    for (const headless of [true, false]) {
      await using browser = await launchBrowser({ ...PLAIN_BROWSER, headless }, host, soon());
      await browser.resize({ width: 900, height: 500 }, soon());
      const page = await browser.page(soon());
      expect((await page.execute({ code: '[innerWidth, innerHeight]' }, soon())).result).toEqual([900, 500]);
    }
  });
});
