import { connect } from 'puppeteer-core';
import { describe, expect, it } from 'vitest';

import { openPageServer } from '../testing/page-server.ts';
import { openTestHost, PLAIN_BROWSER } from '../testing/test-host.ts';
import { until } from '../testing/until.ts';
import type { BlockedType } from './blocked-types.ts';
import type { Browser } from './browser.ts';
import { launchBrowser } from './launch-browser.ts';

const soon = (): AbortSignal => AbortSignal.timeout(20_000);

const PIXEL = Buffer.from('R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==', 'base64');

const IMAGES = ['img', 'background', 'srcset', 'picture', 'poster', 'preload', 'svg', 'input'].map(
  (name) => `/${name}.gif`,
);
const MEDIA = ['/video.mp4', '/audio.mp3'];
const FONTS = ['/font.woff2'];
/** What is never of a blocked kind. */
const OTHERS = ['/style.css', '/script.js'];

const PAGE = `<!doctype html>
<link rel="preload" as="image" href="/preload.gif"><link rel="stylesheet" href="/style.css">
<style>@font-face { font-family: Web; src: url(/font.woff2) } p { font-family: Web; background: url(/background.gif) }</style>
<p>text<img src="/img.gif"><img srcset="/srcset.gif 1x"><input type="image" src="/input.gif">
<picture><source srcset="/picture.gif"><img></picture><svg><image href="/svg.gif" width="5" height="5" /></svg>
<video src="/video.mp4" preload="auto"></video><video poster="/poster.gif"></video><audio src="/audio.mp3" preload="auto"></audio>
<script src="/script.js"></script>`;

const WORKER = `fetch('/worker-fetch.gif').then(({ status }) => postMessage(status), () => postMessage('failed'))`;

const SERVICE_WORKER = `self.onactivate = (event) => event.waitUntil(clients.claim());
self.onfetch = ({ request, respondWith }) => undefined;`;

const LOOK = `const look = (src) => new Promise((resolve) => {
  const image = new Image();
  image.onload = () => resolve('loaded');
  image.onerror = () => resolve('failed');
  image.src = src;
});`;

const TYPES: Readonly<Record<string, string>> = {
  css: 'text/css',
  js: 'text/javascript',
  gif: 'image/gif',
  '': 'text/html',
};

/** A site that notes what it is asked for. */
async function openSite(stack: AsyncDisposableStack): Promise<{ origin: string; asked: Set<string> }> {
  const asked = new Set<string>();
  const bodies: Readonly<Record<string, string>> = {
    '/': PAGE,
    '/empty': '<!doctype html>',
    '/worker.js': WORKER,
    '/service-worker.js': SERVICE_WORKER,
  };
  const origin = await openPageServer(stack, ({ url = '', headers }, response) => {
    asked.add(`${headers.host?.startsWith('localhost') === true ? 'localhost' : ''}${url}`);
    const extension = /\.(\w+)$/.exec(url)?.[1] ?? '';
    response.setHeader('content-type', TYPES[extension] ?? 'application/octet-stream');
    response.setHeader('cache-control', 'no-store');
    response.end(extension === 'gif' ? PIXEL : bodies[url]);
  });
  return { origin, asked };
}

interface Visit extends Awaited<ReturnType<typeof openSite>> {
  readonly browser: Browser;
  readonly run: (code: string) => Promise<unknown>;
}

async function visit(stack: AsyncDisposableStack, at: string, blockedTypes?: readonly BlockedType[]): Promise<Visit> {
  const site = await openSite(stack);
  const host = await openTestHost(stack);
  const browser = stack.use(await launchBrowser({ ...PLAIN_BROWSER, blockedTypes }, host, soon()));
  const page = await browser.page(soon());
  await page.navigate({ url: site.origin + at, waitUntil: 'load' }, soon());
  const run = async (code: string): Promise<unknown> => (await page.execute({ code: LOOK + code }, soon())).result;
  return { ...site, browser, run };
}

describe('a browser that is to block kinds of resources', () => {
  it.each([
    [undefined, []],
    [['images'], IMAGES],
    [['media'], MEDIA],
    [['fonts'], FONTS],
    [
      ['images', 'media', 'fonts'],
      [...IMAGES, ...MEDIA, ...FONTS],
    ],
  ] as const)('asks no server for %s, and for all others', async (types, blocked) => {
    await using stack = new AsyncDisposableStack();
    const { asked, run } = await visit(stack, '/', types);
    const wanted = [...IMAGES, ...MEDIA, ...FONTS, ...OTHERS].filter(
      (path) => !(blocked as readonly string[]).includes(path),
    );
    await until(() => wanted.every((path) => asked.has(path)));
    // Whatever was on its way has been asked for by then.
    await run(
      `await document.fonts.ready; await new Promise((resolve) => setTimeout(resolve, 300)); await fetch('/empty')`,
    );
    expect(blocked.filter((path) => asked.has(path))).toEqual([]);
  });

  it('blocks them in frames of other sites, pop-ups and pages without an opener, from their first request on', async () => {
    await using stack = new AsyncDisposableStack();
    const { asked, origin, run } = await visit(stack, '/empty', ['images']);
    const other = origin.replace('127.0.0.1', 'localhost');
    const ready = ['/script.js', '/font.woff2', 'localhost/script.js', 'localhost/font.woff2'];
    await run(`const frame = document.createElement('iframe'); frame.src = '${other}/'; document.body.append(frame);
      await new Promise((resolve) => { frame.onload = resolve; });`);
    await run(`open('/'); open('${other}/', '_blank', 'noopener')`);
    await until(() => ready.every((path) => asked.has(path)));
    await run(`await new Promise((resolve) => setTimeout(resolve, 300)); await fetch('/empty')`);
    expect([...asked].filter((path) => path.endsWith('.gif'))).toEqual([]);
  });

  it('fails them for the page, and leaves alone what a page makes itself or reads as data', async () => {
    await using stack = new AsyncDisposableStack();
    const { run } = await visit(stack, '/empty', ['images']);
    const data = `data:image/gif;base64,${PIXEL.toString('base64')}`;
    expect(await run(`return [await look('/img.gif'), await look('${data}')]`)).toEqual(['failed', 'loaded']);
    expect(
      await run(`const blob = await (await fetch('/read.gif')).blob(); return look(URL.createObjectURL(blob))`),
    ).toBe('loaded');
    expect(
      await run(`const worker = new Worker('/worker.js');
        return new Promise((resolve) => { worker.onmessage = ({ data }) => resolve(data); })`),
    ).toBe(200);
  });

  it('blocks what a service worker lets pass', async () => {
    await using stack = new AsyncDisposableStack();
    const { asked, run } = await visit(stack, '/empty', ['images']);
    await run(`await navigator.serviceWorker.register('/service-worker.js');
      while (navigator.serviceWorker.controller === null) await new Promise((resolve) => setTimeout(resolve, 20));`);
    expect(await run(`return look('/passed.gif')`)).toBe('failed');
    expect(asked.has('/passed.gif')).toBe(false);
  });
});

describe('what a running browser blocks', () => {
  it('changes: at once where something was blocked already, else with the next document', async () => {
    await using stack = new AsyncDisposableStack();
    const { browser, origin, run } = await visit(stack, '/empty');
    await browser.setBlockedTypes(['images'], soon());
    const page = await browser.page(soon());
    await page.navigate({ url: `${origin}/empty?next` }, soon());
    expect(await run(`return look('/one.gif')`)).toBe('failed');
    await browser.setBlockedTypes(['fonts'], soon());
    expect(browser.spec.blockedTypes).toEqual(['fonts']);
    expect(await run(`return look('/two.gif')`)).toBe('loaded');
    await browser.setBlockedTypes(['images'], soon());
    expect(await run(`return look('/three.gif')`)).toBe('failed');
    await browser.setBlockedTypes([], soon());
    expect(await run(`return look('/four.gif')`)).toBe('loaded');
  });

  it('is blocked beside a client that intercepts requests itself', async () => {
    await using stack = new AsyncDisposableStack();
    const { browser, origin, asked } = await visit(stack, '/empty', ['images']);
    const client = await connect({ browserWSEndpoint: browser.endpoint.href, defaultViewport: null });
    stack.defer(() => client.disconnect());
    const page = await client.newPage();
    const seen = new Set<string>();
    await page.setRequestInterception(true);
    page.on('request', (request) => {
      seen.add(new URL(request.url()).pathname);
      if (!request.url().endsWith('/script.js')) return void request.continue();
      return void request.respond({ contentType: 'text/javascript', body: 'globalThis.answeredByClient = true' });
    });
    await page.goto(`${origin}/`, { waitUntil: 'load' });
    expect(await page.evaluate('answeredByClient')).toBe(true);
    expect(asked.has('/script.js')).toBe(false);
    expect(asked.has('/style.css')).toBe(true);
    expect(seen.has('/style.css')).toBe(true);
    expect([...asked].filter((path) => path.endsWith('.gif'))).toEqual([]);
  });
});
