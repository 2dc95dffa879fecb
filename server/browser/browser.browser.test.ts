import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:net';

import { describe, expect, it } from 'vitest';

import { openPageServer } from '../testing/page-server.ts';
import { openTestHost, PLAIN_BROWSER, whatIsLeft } from '../testing/test-host.ts';
import { until } from '../testing/until.ts';
import { launchBrowser } from './launch-browser.ts';
import { removeLeftovers } from './browser-folder.ts';

const NOTHING = { groups: [], folders: [] };
const soon = (): AbortSignal => AbortSignal.timeout(20_000);

describe('a browser', () => {
  it('is gone with its processes, its folder and its display when it is disposed', async () => {
    await using stack = new AsyncDisposableStack();
    const host = await openTestHost(stack);
    for (const headless of [true, false]) {
      const browser = await launchBrowser({ ...PLAIN_BROWSER, headless }, host, soon());
      expect((await whatIsLeft(host)).groups.length).toBeGreaterThan(0);
      await Promise.all([browser[Symbol.asyncDispose](), browser[Symbol.asyncDispose]()]);
      expect(await whatIsLeft(host)).toEqual(NOTHING);
    }
  });

  it.each([0, 1, 10, 50, 100, 200])(
    'leaves nothing behind when its launch is cancelled after %i ms',
    async (afterMs) => {
      await using stack = new AsyncDisposableStack();
      const host = await openTestHost(stack);
      for (const headless of [true, false]) {
        const launched = launchBrowser({ ...PLAIN_BROWSER, headless }, host, AbortSignal.timeout(afterMs));
        await launched.then(
          (browser) => browser[Symbol.asyncDispose](),
          (error: unknown) => expect(error).toMatchObject({ code: 'BROWSER_LAUNCH_FAILED' }),
        );
        expect(await whatIsLeft(host)).toEqual(NOTHING);
      }
    },
  );

  it.each(['127.0.0.1 only', '127.0.0.1 and ::1'])(
    'is started on another port when somebody else takes the one it was given, on %s',
    async (where) => {
      await using stack = new AsyncDisposableStack();
      const host = await openTestHost(stack);
      const [taken, free] = [stack.use(await host.debuggingPorts.take()), stack.use(await host.debuggingPorts.take())];
      for (const address of where.split(' ').filter((each) => /[.:]/.test(each))) {
        const server = createServer().listen(taken.port, address);
        stack.defer(() => void server.close());
        await once(server, 'listening');
      }
      const given = [taken, free];
      const debuggingPorts = { take: async () => given.shift() } as unknown as typeof host.debuggingPorts;
      const browser = stack.use(await launchBrowser(PLAIN_BROWSER, { ...host, debuggingPorts }, soon()));
      expect(browser.endpoint.host).toBe(`127.0.0.1:${free.port}`);
      expect(given).toEqual([]);
    },
  );

  it('says what was wrong when it cannot be launched', async () => {
    await using stack = new AsyncDisposableStack();
    const host = await openTestHost(stack);
    const launchWith = (executablePath: string): Promise<unknown> =>
      launchBrowser(PLAIN_BROWSER, { ...host, executablePath }, soon());
    await expect(launchWith('/nonexistent')).rejects.toMatchObject({ code: 'BROWSER_LAUNCH_FAILED' });
    await expect(launchWith('/bin/false')).rejects.toThrow('exited early');
    const headful = { ...PLAIN_BROWSER, headless: false };
    await expect(launchBrowser(headful, { ...host, xvfbPath: undefined }, soon())).rejects.toThrow('Xvfb');
    expect(await whatIsLeft(host)).toEqual(NOTHING);
  });

  it('tells that it is gone when it is killed from outside, and leaves nothing after its disposal', async () => {
    await using stack = new AsyncDisposableStack();
    const host = await openTestHost(stack);
    const browser = stack.use(await launchBrowser(PLAIN_BROWSER, host, soon()));
    process.kill(browser.pid, 'SIGKILL');
    await browser.gone;
    await browser[Symbol.asyncDispose]();
    expect(await whatIsLeft(host)).toEqual(NOTHING);
  });

  it('keeps its folder to itself', async () => {
    await using stack = new AsyncDisposableStack();
    const host = await openTestHost(stack);
    await using _browser = await launchBrowser(PLAIN_BROWSER, host, soon());
    const [folder = ''] = (await whatIsLeft(host)).folders;
    expect((await stat(`${host.foldersRoot}/${folder}`)).mode & 0o077).toBe(0);
  });

  it('that a killed service left behind is found and ended, with its display', async () => {
    await using stack = new AsyncDisposableStack();
    const host = await openTestHost(stack);
    const left = [
      await launchBrowser(PLAIN_BROWSER, host, soon()),
      await launchBrowser({ ...PLAIN_BROWSER, headless: false }, host, soon()),
    ];
    expect(await removeLeftovers(host.foldersRoot, { groups: [], folders: [] }, soon())).toBe(left.length);
    expect(await whatIsLeft(host)).toEqual(NOTHING);
    await Promise.all(left.map((browser) => browser[Symbol.asyncDispose]()));
  });

  it('opens a page again when all were closed', async () => {
    await using stack = new AsyncDisposableStack();
    const host = await openTestHost(stack);
    await using browser = await launchBrowser(PLAIN_BROWSER, host, soon());
    const first = await browser.page(soon());
    // A second page keeps the browser alive while the first goes.
    await first.execute({ code: 'window.open("about:blank"); 1' }, soon());
    await until(async () => (await browser.page(soon())).targetId !== first.targetId);
    const second = await browser.page(soon());
    await second.execute({ code: 'setTimeout(() => window.close(), 0); 1' }, soon());
    await until(async () => (await browser.page(soon())).targetId === first.targetId);
    expect(await first.execute({ code: '1 + 1' }, soon())).toMatchObject({ result: 2 });
  });

  it('answers dialogs while nobody else drives it', async () => {
    await using stack = new AsyncDisposableStack();
    const host = await openTestHost(stack);
    await using browser = await launchBrowser(PLAIN_BROWSER, host, soon());
    const page = await browser.page(soon());
    const code = '[alert("hello"), confirm("sure?"), prompt("name?")]';
    expect(await page.execute({ code }, soon())).toMatchObject({ result: [null, false, null] });
  });

  it('tells the status of an answer, also of an error without a body and after redirects', async () => {
    await using stack = new AsyncDisposableStack();
    const host = await openTestHost(stack);
    const origin = await openPageServer(stack, ({ url }, response) => {
      if (url === '/moved') response.writeHead(302, { location: '/found' }).end();
      else if (url === '/found') response.end('<title>found</title>');
      else if (url === '/empty') response.writeHead(503).end();
      else response.writeHead(404).end('<title>missing</title>');
    });
    await using browser = await launchBrowser(PLAIN_BROWSER, host, soon());
    const page = await browser.page(soon());
    const visit = async (path: string): Promise<unknown> => page.navigate({ url: `${origin}${path}` }, soon());
    expect(await visit('/moved')).toMatchObject({ url: `${origin}/found`, status: 200, title: 'found' });
    expect(await visit('/missing')).toMatchObject({ url: `${origin}/missing`, status: 404, title: 'missing' });
    expect(await visit('/empty')).toMatchObject({ url: `${origin}/empty`, status: 503, title: '' });
    expect(await page.navigate({ url: 'about:blank' }, soon())).toMatchObject({ url: 'about:blank', status: null });
  });

  it('is stopped when a page it loads never stops', async () => {
    await using stack = new AsyncDisposableStack();
    const host = await openTestHost(stack);
    const origin = await openPageServer(stack, (_request, response) => response.end('<script>for (;;) {}</script>'));
    await using browser = await launchBrowser(PLAIN_BROWSER, host, soon());
    const page = await browser.page(soon());
    await expect(page.navigate({ url: origin, timeoutMs: 500 }, soon())).rejects.toMatchObject({
      code: 'OPERATION_TIMED_OUT',
    });
    expect(await page.execute({ code: '1 + 1' }, soon())).toMatchObject({ result: 2 });
  });

  it('is stopped in a navigation that takes too long, and goes on with the next', async () => {
    await using stack = new AsyncDisposableStack();
    const host = await openTestHost(stack);
    const origin = await openPageServer(stack, ({ url }, response) => {
      if (url !== '/never') response.end('<title>ready</title>');
    });
    await using browser = await launchBrowser(PLAIN_BROWSER, host, soon());
    const page = await browser.page(soon());
    await expect(page.navigate({ url: `${origin}/never`, timeoutMs: 200 }, soon())).rejects.toMatchObject({
      code: 'OPERATION_TIMED_OUT',
    });
    expect(await page.navigate({ url: origin }, soon())).toMatchObject({ status: 200, title: 'ready' });
  });
});
