import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { Readable } from 'node:stream';

import { describe, expect, it } from 'vitest';

import { type Browser, launchBrowser, launchFilledBrowser } from '../../../browser/index.ts';
import { openPageServer } from '../../../testing/page-server.ts';
import { openTestHost, PLAIN_BROWSER } from '../../../testing/test-host.ts';
import { until } from '../../../testing/until.ts';
import { packState, readUserData, unpackState, writeUserData } from './state-archive.ts';
import { STATE_FORMAT } from './state-head.ts';

const WRITE = `(async () => {
  document.cookie = 'lasting=1; max-age=86400';
  document.cookie = 'passing=2';
  localStorage.setItem('kept', 'local');
  await navigator.serviceWorker.register('/worker.js');
  await navigator.serviceWorker.ready;
  await (await caches.open('c')).put('/cached', new Response('from the cache'));
  const opened = await new Promise((resolve, reject) => {
    const request = indexedDB.open('base', 1);
    request.onupgradeneeded = () => request.result.createObjectStore('store');
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const transaction = opened.transaction('store', 'readwrite');
  transaction.objectStore('store').put('indexed', 'key');
  await new Promise((resolve) => { transaction.oncomplete = resolve; });
})()`;

const READ = `(async () => {
  const database = await new Promise((resolve) => {
    const request = indexedDB.open('base', 1);
    request.onsuccess = () => resolve(request.result);
  });
  const request = database.transaction('store').objectStore('store').get('key');
  const indexed = await new Promise((resolve) => { request.onsuccess = () => resolve(request.result); });
  const registration = await navigator.serviceWorker.getRegistration();
  return {
    cookies: document.cookie.split('; ').sort(),
    local: localStorage.getItem('kept'),
    indexed,
    worker: new URL(registration.active.scriptURL).pathname,
    fetched: await (await fetch('/by-the-worker')).text(),
    cached: await (await caches.match('/cached')).text(),
  };
})()`;

function soon(): AbortSignal {
  return AbortSignal.timeout(40_000);
}

async function openOrigin(stack: AsyncDisposableStack): Promise<string> {
  return openPageServer(stack, (request, response) => {
    const isWorker = request.url === '/worker.js';
    response.setHeader('content-type', isWorker ? 'text/javascript' : 'text/html');
    response.end(
      isWorker
        ? `addEventListener('fetch', (event) => {
             if (event.request.url.endsWith('/by-the-worker')) event.respondWith(new Response('worker'));
           })`
        : '<h1>page</h1>',
    );
  });
}

async function run(browser: Browser, url: string, code: string): Promise<unknown> {
  const page = await browser.page(soon());
  await page.navigate({ url }, soon());
  return (await page.execute({ code }, soon())).result;
}

/** Whether the log of a browser's local storage has a text in it. */
async function hasCommitted(userDataDir: string, text: string): Promise<boolean> {
  const folder = path.join(userDataDir, 'Default', 'Local Storage', 'leveldb');
  const names = await readdir(folder);
  const logs = await Promise.all(names.map((name) => readFile(path.join(folder, name))));
  return logs.some((log) => log.includes(text));
}

describe('a state', () => {
  it('has in the next browser what sites stored in this one, cookies that are not on disk too', async () => {
    await using stack = new AsyncDisposableStack();
    const host = await openTestHost(stack);
    const origin = await openOrigin(stack);

    const first = stack.use(await launchBrowser(PLAIN_BROWSER, host, soon()));
    await run(first, origin, WRITE);
    const cookies = await first.readJar(soon());
    // Chromium commits local storage five seconds after a change. What it commits while it closes is lost now and then when the
    // machine is busy, which is said in the guide and is not what is tested here.
    await until(() => hasCommitted(first.folder.userDataDir, 'kept'), { timeoutMs: 20_000 });
    const home = stack.use(await first.leave());
    const head = { format: STATE_FORMAT, chromiumVersion: first.version, cookies } as const;
    const { userDataDir } = home.folder;
    const packed = await buffer(packState({ head, files: readUserData(userDataDir, { includeCache: false }) }));
    await home[Symbol.asyncDispose]();

    const state = await unpackState(Readable.from([packed]));
    const second = stack.use(
      await launchFilledBrowser(
        PLAIN_BROWSER,
        { host, fill: (directory, signal) => writeUserData(directory, state.files, signal) },
        soon(),
      ),
    );
    expect(await second.addCookies(state.head.cookies ?? [], soon())).toBe(0);

    expect(await run(second, origin, READ)).toEqual({
      cookies: ['lasting=1', 'passing=2'],
      local: 'local',
      indexed: 'indexed',
      worker: '/worker.js',
      fetched: 'worker',
      cached: 'from the cache',
    });
    expect(packed.length).toBeLessThan(200_000);
  });
});
