import type { Session, SessionEventList } from '@guise/contract';
import { chromium } from 'playwright-core';
import { type Browser, connect as connectPuppeteer, type Page } from 'puppeteer-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { type Api, expectStatus } from './api.ts';
import { type CdpClient, type CdpEvent, connectCdp } from './cdp-client.ts';
import { startService } from './service.ts';
import { until } from './until.ts';
import { type Findings, REALMS, startWatchfulSite, toSuspicions, type WatchfulSite } from './watchful-site.ts';

const stack = new AsyncDisposableStack();
let api: Api;
let site: WatchfulSite;
let pristine: Findings[];
let session: Session;

beforeAll(async () => {
  site = await startWatchfulSite(stack);
  site.server.on('/headers', (request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(request.headers));
  });
  ({ api } = await startService(stack, { WARM_POOL_SIZE: '2' }));
  pristine = await site.pristineFindings(api);
});
afterAll(() => stack.disposeAsync());
beforeEach(async () => {
  session = await api.create({ stealthLevel: 'basic' });
});
afterEach(() => api.end(session.id));

const cdpUrl = (): string => session.cdpUrl ?? '';
const readHeaders = 'fetch("/headers").then((answer) => answer.json())';

/** A client attached to the session's page, and what it is told. */
interface Attached extends Disposable {
  readonly client: CdpClient;
  readonly id: string;
  readonly events: CdpEvent[];
}

async function attach(): Promise<Attached> {
  const client = await connectCdp(cdpUrl());
  const events: CdpEvent[] = [];
  client.onEvent((event) => events.push(event));
  const { targetInfos } = await client.send('Target.getTargets');
  const page = (targetInfos as { targetId: string; type: string }[]).find(({ type }) => type === 'page');
  const { sessionId } = await client.send('Target.attachToTarget', { targetId: page?.targetId, flatten: true });
  return { client, id: String(sessionId), events, [Symbol.dispose]: () => client[Symbol.dispose]() };
}

async function evaluate(client: CdpClient, id: string, expression: string): Promise<unknown> {
  const params = { expression, awaitPromise: true, returnByValue: true };
  const { result } = await client.send('Runtime.evaluate', params, id);
  return (result as { value?: unknown }).value;
}

/** `navigator.platform` as the browser itself has it: in a world of its own, where no script of an identity has been. */
async function readNativePlatform({ client, id }: Attached): Promise<unknown> {
  const { frameTree } = await client.send('Page.getFrameTree', {}, id);
  const frameId = (frameTree as { frame: { id: string } }).frame.id;
  const { executionContextId } = await client.send('Page.createIsolatedWorld', { frameId }, id);
  const params = { expression: 'navigator.platform', contextId: executionContextId, returnByValue: true };
  const { result } = await client.send('Runtime.evaluate', params, id);
  return (result as { value?: unknown }).value;
}

function defined<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('There is none');
  return value;
}

async function ignored(): Promise<unknown[]> {
  const answer = await api.call('GET', `/api/sessions/${session.id}/events`);
  const { events } = expectStatus<SessionEventList>(answer, 200);
  return events.filter(({ type }) => type === 'emulationIgnored').map(({ data }) => data['method']);
}

const contextsOf = (events: readonly CdpEvent[]): Record<string, unknown>[] =>
  events
    .filter(({ method }) => method === 'Runtime.executionContextCreated')
    .map(({ params }) => params['context'] as Record<string, unknown>);

describe('a plain CDP client in a session that hides it', { tags: 'same-machine' }, () => {
  it('is told of contexts and console messages, and of no page events it did not ask for', async () => {
    using page = await attach();
    const { client, id, events } = page;
    await client.send('Runtime.enable', {}, id);
    const first = await until('there is a context', () => contextsOf(events)[0]);
    expect(first).toMatchObject({ name: '', auxData: { isDefault: true, type: 'default' } });
    await api.navigate(session.id, site.url);
    const context = await until('the document has a context', () =>
      contextsOf(events).find(({ origin }) => origin === site.origin),
    );
    expect(context['uniqueId']).not.toBe(first['uniqueId']);
    const uniqueContextId = String(context['uniqueId']);
    const { result } = await client.send('Runtime.evaluate', { expression: 'secret', uniqueContextId }, id);
    expect(result).toMatchObject({ value: 'of the page' });
    await expect(
      client.send('Runtime.evaluate', { expression: '1', uniqueContextId: String(first['uniqueId']) }, id),
    ).rejects.toThrow('uniqueContextId not found');

    const called = await until('a message is told', () =>
      events.find(({ method }) => method === 'Runtime.consoleAPICalled'),
    );
    expect(called.params).toMatchObject({
      type: 'log',
      args: [{ type: 'string', value: 'loading 1 null' }],
      executionContextId: context['id'],
      stackTrace: { callFrames: [{ url: site.url }] },
    });
    expect(events.filter(({ method }) => /^(Page|Console)\./.test(method))).toEqual([]);

    await client.send('Page.enable', {}, id);
    await client.send('Page.reload', {}, id);
    const loads = (): number => events.filter(({ method }) => method === 'Page.loadEventFired').length;
    await until('page events are told now', () => loads() === 1);
    await client.send('Runtime.disable', {}, id);
    const count = contextsOf(events).length;
    await client.send('Page.reload', {}, id);
    await until('it is loaded again', () => loads() === 2);
    expect(contextsOf(events)).toHaveLength(count);
  });

  it('is hidden on the session’s own port as well, where it is connected to a page', async () => {
    const list = (await (await fetch(`http://127.0.0.1:${session.cdpPort ?? 0}/json/list`)).json()) as {
      webSocketDebuggerUrl: string;
    }[];
    using client = await connectCdp(list[0]?.webSocketDebuggerUrl ?? '');
    const events: CdpEvent[] = [];
    client.onEvent((event) => events.push(event));
    await client.send('Runtime.enable');
    await client.send('Page.enable');
    await client.send('Page.navigate', { url: site.url });
    await until(
      'both frames of this site have contexts',
      () => contextsOf(events).filter(({ origin }) => origin === site.origin).length >= 2,
    );
    await until('all is loaded', () => events.some(({ method }) => method === 'Page.loadEventFired'));
    const findings = await site.findingsOf(REALMS, () =>
      client.send('Runtime.evaluate', { expression: 'document.querySelector("#probe").click()' }),
    );
    expect(toSuspicions(findings, { pristine })).toEqual([]);
  });

  it('may not stop scripts, nor switch on inside of another command what it may not outside', async () => {
    using page = await attach();
    const { client, id } = page;
    await expect(client.send('Debugger.enable', {}, id)).rejects.toThrow('stealthLevel none');
    const message = JSON.stringify({ id: 1, method: 'Runtime.enable' });
    await expect(client.send('Target.sendMessageToTarget', { sessionId: id, message })).rejects.toThrow(
      'flatten: true',
    );
    await expect(client.send('Runtime.enable', {}, 'nobody')).rejects.toThrow('Session with given id not found');
    await expect(client.send('Runtime.enable')).rejects.toThrow("wasn't found");
  });

  it('finds in the page what it has put there, under the names it has given', async () => {
    using page = await attach();
    const { client, id, events } = page;
    await client.send('Page.enable', {}, id);
    await client.send('Runtime.addBinding', { name: 'mine' }, id);
    await client.send('Page.addScriptToEvaluateOnNewDocument', { source: 'mine("at document start")' }, id);
    await client.send('Page.navigate', { url: site.url }, id);
    const payloads = (): unknown[] =>
      events
        .filter(({ method, params }) => method === 'Runtime.bindingCalled' && params['name'] === 'mine')
        .map(({ params }) => params['payload']);
    await until('it is called in the page and its frame', () => payloads().length >= 2);
    expect(new Set(payloads())).toEqual(new Set(['at document start']));
    expect(await evaluate(client, id, 'Object.keys(self).includes("mine")')).toBe(false);
    await client.send('Runtime.removeBinding', { name: 'mine' }, id);
  });
});

describe('emulation that contradicts the identity', { tags: 'same-machine' }, () => {
  it('is answered as done, left out, and noted once a kind', async () => {
    using page = await attach();
    const { client, id } = page;
    await api.navigate(session.id, site.url);
    const look =
      '[navigator.userAgent, navigator.platform, innerWidth, devicePixelRatio, new Date().getTimezoneOffset()].join()';
    const before = await evaluate(client, id, look);
    const headers = await evaluate(client, id, readHeaders);
    await client.send('Emulation.setUserAgentOverride', { userAgent: 'Nobody', platform: 'Amiga' }, id);
    await client.send('Network.setUserAgentOverride', { userAgent: 'Nobody' }, id);
    await client.send('Emulation.setTimezoneOverride', { timezoneId: 'Asia/Tokyo' }, id);
    const metrics = { width: 300, height: 300, deviceScaleFactor: 3, mobile: true };
    for (let times = 0; times < 3; times += 1) await client.send('Emulation.setDeviceMetricsOverride', metrics, id);
    await client.send('Network.enable', {}, id);
    const extra = { 'User-Agent': 'Nobody', 'accept-language': 'xx', 'Sec-CH-UA-Platform': '"Amiga"', 'X-Own': 'kept' };
    await client.send('Network.setExtraHTTPHeaders', { headers: extra }, id);
    expect(await evaluate(client, id, look)).toBe(before);
    expect(await evaluate(client, id, readHeaders)).toEqual({ ...(headers as object), 'x-own': 'kept' });
    await until('it is noted', async () => (await ignored()).length === 5);
    expect((await ignored()).sort()).toEqual([
      'Emulation.setDeviceMetricsOverride',
      'Emulation.setTimezoneOverride',
      'Emulation.setUserAgentOverride',
      'Network.setExtraHTTPHeaders',
      'Network.setUserAgentOverride',
    ]);
  });

  it('does not come with requests that are sent on with headers of the client', async () => {
    const browser = await chromium.connectOverCDP(cdpUrl());
    const page = defined(browser.contexts()[0]?.pages()[0]);
    await page.goto(site.url);
    const headers = await page.evaluate<object>(readHeaders);
    await page.route('**/headers', (route) =>
      route.continue({
        headers: {
          ...route.request().headers(),
          'user-agent': 'Nobody',
          'sec-ch-ua-platform': '"Amiga"',
          'x-own': 'kept',
        },
      }),
    );
    // Playwright asks for no cached answers while it routes, which is seen in two more headers.
    expect(await page.evaluate(readHeaders)).toMatchObject({ ...headers, 'x-own': 'kept' });
    await until('it is noted', async () => (await ignored()).includes('Fetch.continueRequest'));
    await browser.close();
  });

  it('that does not contradict it goes on', async () => {
    using page = await attach();
    const { client, id } = page;
    const features = [{ name: 'prefers-color-scheme', value: 'dark' }];
    await client.send('Emulation.setEmulatedMedia', { features }, id);
    expect(await evaluate(client, id, 'matchMedia("(prefers-color-scheme: dark)").matches')).toBe(true);
    expect(await ignored()).toEqual([]);
  });
});

const firstPage = async (browser: Browser): Promise<Page> => defined((await browser.pages())[0]);

describe('several clients of one page', { tags: 'same-machine' }, () => {
  it('come and go unnoticed, each with its own functions', async () => {
    const one = await connectPuppeteer({ browserWSEndpoint: cdpUrl() });
    const other = await connectPuppeteer({ browserWSEndpoint: cdpUrl() });
    const third = await chromium.connectOverCDP(cdpUrl());
    const page = await firstPage(one);
    const same = await firstPage(other);
    const again = defined(third.contexts()[0]?.pages()[0]);
    await page.exposeFunction('first', () => 'one');
    await same.exposeFunction('second', () => 'other');
    await again.exposeFunction('third', () => 'third');
    await page.goto(site.url, { waitUntil: 'networkidle0' });
    const expression = 'Promise.all([first(), second(), third(), secret]).then(String)';
    for (const evaluated of [page.evaluate(expression), same.evaluate(expression), again.evaluate(expression)]) {
      expect(await evaluated).toBe('one,other,third,of the page');
    }
    await one.disconnect();
    await third.close();
    expect(await same.evaluate('second()')).toBe('other');
    const back = await connectPuppeteer({ browserWSEndpoint: cdpUrl() });
    const found = await firstPage(back);
    expect(await found.evaluate('secret')).toBe('of the page');
    const findings = await site.findingsOf(REALMS, () => found.click('#probe'));
    expect(toSuspicions(findings, { pristine, own: ['first', 'second', 'third', 'greet'] })).toEqual([]);
    await other.disconnect();
    await back.disconnect();
  });
});

describe('a client that leaves', { tags: 'same-machine' }, () => {
  it.each([
    {
      how: 'and detaches first',
      leave: async ({ client, id }: Attached): Promise<void> =>
        void (await client.send('Target.detachFromTarget', { sessionId: id })),
    },
    {
      how: 'and is just gone',
      leave: async ({ client }: Attached): Promise<void> => {
        client[Symbol.dispose]();
        await until('it has been seen off', async () => (await api.status()).sessions.cdpClients === 1);
      },
    },
  ])('$how takes nothing of the identity with it', async ({ leave }) => {
    await api.end(session.id);
    session = await api.create({ profile: { os: 'windows', seed: 1 } });
    await api.navigate(session.id, site.url);
    using staying = await attach();
    using leaving = await attach();
    expect(await readNativePlatform(staying)).toBe('Win32');
    await leave(leaving);
    // The browser takes it back when it notices, which may be a moment later, and never gives it back by itself.
    await until('the browser itself says so, and goes on', async () => {
      const answers: unknown[] = [];
      for (let count = 0; count < 20; count += 1) answers.push(await readNativePlatform(staying));
      return answers.every((answer) => answer === 'Win32');
    });
  });
});
