import { connect } from 'puppeteer-core';
import { describe, expect, it } from 'vitest';

import { openPageServer } from '../testing/page-server.ts';
import { openTestHost, PLAIN_BROWSER } from '../testing/test-host.ts';
import type { Browser } from './browser.ts';
import { emptyCheckpoint } from './checkpoint.ts';
import { launchBrowser } from './launch-browser.ts';

const soon = (): AbortSignal => AbortSignal.timeout(30_000);

async function openTwo(stack: AsyncDisposableStack): Promise<[Browser, Browser]> {
  const host = await openTestHost(stack);
  const launch = async (): Promise<Browser> => stack.use(await launchBrowser(PLAIN_BROWSER, host, soon()));
  return [await launch(), await launch()];
}

/** A site on loopback whose every address is an empty page, and that notes what it is asked for. */
async function openSite(stack: AsyncDisposableStack): Promise<{ origin: string; asked: string[] }> {
  const asked: string[] = [];
  const origin = await openPageServer(stack, ({ url = '' }, response) => {
    // Asked for when the browser has time.
    if (url !== '/favicon.ico') asked.push(url);
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Site</title>');
  });
  return { origin, asked };
}

async function evaluate(browser: Browser, code: string): Promise<unknown> {
  return (await (await browser.page(soon())).execute({ code }, soon())).result;
}

async function goTo(browser: Browser, url: string): Promise<void> {
  await (await browser.page(soon())).navigate({ url }, soon());
}

describe('a checkpoint', () => {
  it('gives a browser what another had, and asks sites for nothing but the pages that were open', async () => {
    await using stack = new AsyncDisposableStack();
    const [one, other] = await openTwo(stack);
    const left = await openSite(stack);
    const open = await openSite(stack);
    await goTo(one, left.origin);
    await evaluate(one, `localStorage.setItem('length', 'long'); localStorage.setItem('getItem', '"'); 1`);
    const first = await one.readCheckpoint(emptyCheckpoint(), soon());
    await goTo(one, `${open.origin}/here?a=1#b`);
    await evaluate(one, `localStorage.name = 'open'; sessionStorage.name = 'tab'; 1`);
    const checkpoint = await one.readCheckpoint(first, soon());
    expect(checkpoint.pages.map(({ url }) => url)).toEqual([`${open.origin}/here?a=1#b`]);

    for (const { asked } of [left, open]) asked.length = 0;
    await other.restoreCheckpoint(JSON.parse(JSON.stringify(checkpoint)) as typeof checkpoint, soon());
    expect(left.asked).toEqual([]);
    expect(open.asked).toEqual(['/here?a=1']);
    expect(await evaluate(other, '[location.href, localStorage.name, sessionStorage.name, history.length]')).toEqual([
      `${open.origin}/here?a=1#b`,
      'open',
      'tab',
      1,
    ]);
    await goTo(other, left.origin);
    expect(await evaluate(other, `['length', 'getItem'].map((name) => localStorage.getItem(name))`)).toEqual([
      'long',
      '"',
    ]);
  });

  it('leaves out storage that is too large, and what a site had before that stays', async () => {
    await using stack = new AsyncDisposableStack();
    const [one, other] = await openTwo(stack);
    const { origin } = await openSite(stack);
    for (const browser of [one, other]) await goTo(browser, origin);
    await evaluate(other, `localStorage.name = 'from a saved profile'; 1`);
    await evaluate(one, `localStorage.large = 'x'.repeat(600_000); 1`);
    const checkpoint = await one.readCheckpoint(emptyCheckpoint(), soon());
    expect(checkpoint.local).toEqual({});
    await other.restoreCheckpoint(checkpoint, soon());
    expect(await evaluate(other, 'localStorage.name')).toBe('from a saved profile');
  });

  it('is written into no site but the one it is of', async () => {
    await using stack = new AsyncDisposableStack();
    const [one] = await openTwo(stack);
    const { origin } = await openSite(stack);
    await goTo(one, origin);
    await evaluate(one, `localStorage.name = 'own'; 1`);
    // The browser is led elsewhere than where it was sent, as by an upgrade to https.
    const elsewhere = origin.replace('//', '//somebody@');
    await one.restoreCheckpoint({ ...emptyCheckpoint(origin), local: { [elsewhere]: [['name', 'foreign']] } }, soon());
    expect(await evaluate(one, 'localStorage.name')).toBe('own');
  });

  it('knows nothing of the contexts a client has made, and keeps the address of what could not be loaded', async () => {
    await using stack = new AsyncDisposableStack();
    const [one] = await openTwo(stack);
    const { origin } = await openSite(stack);
    const client = await connect({ browserWSEndpoint: one.endpoint.href });
    stack.defer(() => client.disconnect());
    const page = await (await client.createBrowserContext()).newPage();
    await page.goto(origin);
    await page.evaluate(`localStorage.name = 'of another context'`);
    await using gone = new AsyncDisposableStack();
    const closed = await openSite(gone);
    await gone[Symbol.asyncDispose]();
    const [own] = await client.defaultBrowserContext().pages();
    await own?.goto(`${closed.origin}/there`).catch(() => undefined);
    // That it failed is known before the browser shows a page of its own.
    const seen = async (): Promise<object> => {
      const { local, pages } = await one.readCheckpoint(emptyCheckpoint(), soon());
      return { local, pages: pages.map(({ url }) => url) };
    };
    await expect.poll(seen, { timeout: 10_000 }).toEqual({ local: {}, pages: [`${closed.origin}/there`] });
  });
});
