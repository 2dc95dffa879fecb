import type { CookieList, Execute, ExecuteResult, Navigate, NavigateResult, PageContent } from '@guise/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Api, expectStatus } from './api.ts';
import { type PageServer, startPageServer } from './page-server.ts';
import { expectProblem } from './problem.ts';
import { startService } from './service.ts';
import { until } from './until.ts';

const stack = new AsyncDisposableStack();
let api: Api;
let site: PageServer;
let id: string;

beforeAll(async () => {
  site = await startPageServer(stack);
  site.on('/', '<!doctype html><title>Start</title><p id=p>Hello</p>');
  site.on('/old', (_request, response) => response.writeHead(301, { location: '/older' }).end());
  site.on('/older', (_request, response) => response.writeHead(302, { location: '/?moved' }).end());
  site.on('/teapot', (_request, response) =>
    response.writeHead(418, { 'content-type': 'text/html' }).end('<title>Pot</title>'),
  );
  ({ api } = await startService(stack));
  ({ id } = await api.create());
});
afterAll(() => stack.disposeAsync());

const execute = async (body: Execute): Promise<ExecuteResult> =>
  expectStatus<ExecuteResult>(await api.call('POST', `/api/sessions/${id}/execute`, body), 200);
const navigate = async (body: Navigate): Promise<NavigateResult> =>
  expectStatus<NavigateResult>(await api.call('POST', `/api/sessions/${id}/navigate`, body), 200);

describe('a script', () => {
  it('gives its last expression with its type, in every form a script can have', async () => {
    await navigate({ url: `${site.origin}/` });
    const scripts: readonly (readonly [code: string, result: unknown, type: string])[] = [
      ['1 + 1', 2, 'number'],
      ['document.title', 'Start', 'string'],
      ['const a = 20; let b = 22; a + b', 42, 'number'],
      ['return 7', 7, 'number'],
      ['if (true) { return "early"; } return "late"', 'early', 'string'],
      ['await Promise.resolve(8)', 8, 'number'],
      ['const seven = await Promise.resolve(7); seven + 1', 8, 'number'],
      ['const nine = await Promise.resolve(9); return nine', 9, 'number'],
      ['new Promise((resolve) => setTimeout(resolve, 5, "waited"))', 'waited', 'string'],
      ['(async () => ({ deep: [1, { two: null }] }))()', { deep: [1, { two: null }] }, 'object'],
      ['[1, 2]', [1, 2], 'array'],
      ['null', null, 'null'],
      ['undefined', null, 'undefined'],
      ['var nothing = 1;', null, 'undefined'],
      ['true', true, 'boolean'],
      ['"ä ✓ 😀"', 'ä ✓ 😀', 'string'],
      ['// a comment at the end\n5 // five', 5, 'number'],
      ['({ a: 1 })', { a: 1 }, 'object'],
    ];
    for (const [code, result, type] of scripts) {
      const answer = await execute({ code });
      expect([code, answer.result, answer.type]).toEqual([code, result, type]);
      expect(answer.durationMs).toBeGreaterThanOrEqual(0);
    }
  });

  it('keeps what it declares for the next one, as the console does', async () => {
    await execute({ code: 'var kept = "from before"' });
    expect((await execute({ code: 'kept' })).result).toBe('from before');
  });

  it('that declares names can be run again on the same page', async () => {
    for (const title of ['first', 'second']) {
      const code = `const title = "${title}"; let other = title.length; class Thing {}; title`;
      expect((await execute({ code })).result).toBe(title);
    }
  });

  it('can be a function with arguments, which arrive as they were sent', async () => {
    const args = [1, 'two', null, { three: [3] }, '</script>`${1}`', { __proto__2: 1 }, '\u2028', 'ä😀'];
    expect((await execute({ function: '(...all) => all', args })).result).toEqual(args);
    expect((await execute({ function: 'function (a, b) { return a + b; }', args: [20, 22] })).result).toBe(42);
    expect((await execute({ function: 'async (a) => { await null; return a; }', args: ['x'] })).result).toBe('x');
    expect((await execute({ function: '() => 9 // with a comment at the end' })).result).toBe(9);
    expect((await execute({ function: '() => document.title' })).result).toBe('Start');
  });

  it('is not waited for with awaitPromise false', async () => {
    const answer = await execute({ code: 'new Promise(() => {})', awaitPromise: false, returnByValue: false });
    expect(answer.type).toBe('promise');
  });

  it('gives a description in place of a value with returnByValue false', async () => {
    expect(await execute({ code: 'document.body', returnByValue: false })).toMatchObject({
      result: 'body',
      type: 'node',
    });
    expect(await execute({ code: '() => 1', returnByValue: false })).toMatchObject({
      result: '() => 1',
      type: 'function',
    });
    expect(await execute({ code: '10n', returnByValue: false })).toMatchObject({ type: 'bigint' });
    expect(await execute({ code: '"text"', returnByValue: false })).toMatchObject({ result: 'text', type: 'string' });
  });

  it('in the isolated world sees the document, and the page sees nothing of it', async () => {
    await execute({
      code: 'globalThis.ofThePage = 1; document.title = "Changed"; Array.prototype.at = () => "spoiled"; 0',
    });
    const isolated =
      'globalThis.mine = 2; document.body.dataset.seen = "yes"; return [typeof ofThePage, document.title, [1].at(0)]';
    expect((await execute({ code: isolated, world: 'isolated' })).result).toEqual(['undefined', 'Changed', 1]);
    expect((await execute({ code: '[typeof mine, document.body.dataset.seen]' })).result).toEqual(['undefined', 'yes']);
    await navigate({ url: `${site.origin}/` });
  });

  it('runs on a page whose content security policy forbids eval, and sees no trace of a debugger', async () => {
    site.on('/strict', (_request, response) => {
      const headers = {
        'content-type': 'text/html',
        'content-security-policy': "default-src 'none'; script-src 'none'",
      };
      response.writeHead(200, headers).end('<title>Strict</title>');
    });
    await navigate({ url: `${site.origin}/strict` });
    expect((await execute({ code: 'document.title' })).result).toBe('Strict');
    const trap = `let seen = false; const error = new Error();
      Object.defineProperty(error, 'stack', { get: () => { seen = true; return ''; } });
      console.debug(error); await new Promise((resolve) => setTimeout(resolve, 50)); return seen;`;
    expect((await execute({ code: trap })).result).toBe(false);
  });
});

describe('a navigation', () => {
  it('tells where it ended, with status, title and timing', async () => {
    const answer = await navigate({ url: `${site.origin}/old` });
    expect(answer).toMatchObject({ url: `${site.origin}/?moved`, status: 200, title: 'Start' });
    const { totalMs, responseMs, domContentLoadedMs, loadMs } = answer.timing;
    expect(totalMs).toBeGreaterThan(0);
    expect(responseMs).toBeGreaterThan(0);
    expect(domContentLoadedMs).toBeGreaterThanOrEqual(responseMs ?? Infinity);
    expect(loadMs).toBeGreaterThanOrEqual(domContentLoadedMs ?? Infinity);
  });

  it('to a page with an error status is a page like any other', async () => {
    expect(await navigate({ url: `${site.origin}/missing` })).toMatchObject({ status: 404, title: 'Not here' });
    expect(await navigate({ url: `${site.origin}/teapot` })).toMatchObject({ status: 418, title: 'Pot' });
  });

  it('to what is no HTTP has no status', async () => {
    expect(await navigate({ url: 'about:blank' })).toMatchObject({ url: 'about:blank', status: null, title: '' });
    expect(await navigate({ url: 'data:text/html,<title>Data</title>' })).toMatchObject({
      status: null,
      title: 'Data',
    });
  });

  it('waits for the moment it is told to', async () => {
    // Holds back one resource until the test lets it go.
    const held = Promise.withResolvers<void>();
    site.on('/held.png', (_request, response) => void held.promise.then(() => response.end()));
    site.on('/holding', '<!doctype html><title>Holding</title><body><img src="/held.png"></body>');
    for (const waitUntil of ['commit', 'domcontentloaded'] as const) {
      const answer = await navigate({ url: `${site.origin}/holding`, waitUntil });
      expect([waitUntil, answer.url, answer.timing.loadMs]).toEqual([waitUntil, `${site.origin}/holding`, null]);
    }
    expect((await execute({ code: 'document.readyState' })).result).toBe('interactive');
    const timedOut = await api.call('POST', `/api/sessions/${id}/navigate`, {
      url: `${site.origin}/holding`,
      waitUntil: 'load',
      timeoutMs: 500,
    });
    expectProblem(timedOut, 504, 'OPERATION_TIMED_OUT');
    const loading = navigate({ url: `${site.origin}/holding`, waitUntil: 'load' });
    held.resolve();
    expect((await loading).timing.loadMs).toBeGreaterThan(0);
    expect((await execute({ code: 'document.readyState' })).result).toBe('complete');
  });

  it('can wait until the network is quiet', async () => {
    let answered = 0;
    site.on('/later', (_request, response) => {
      answered += 1;
      response.end();
    });
    const chain =
      'fetch("/later").then(() => fetch("/later")).then(() => fetch("/later")).then(() => { document.title = "Quiet"; })';
    site.on('/busy', `<!doctype html><title>Busy</title><script>onload = () => { ${chain} }</script>`);
    const answer = await navigate({ url: `${site.origin}/busy`, waitUntil: 'networkidle' });
    expect([answer.title, answered]).toEqual(['Quiet', 3]);
  });

  it('follows a page that sends itself elsewhere while it loads', async () => {
    site.on('/jump', '<script>location.replace("/")</script>');
    expect(await navigate({ url: `${site.origin}/jump` })).toMatchObject({ url: `${site.origin}/`, title: 'Start' });
  });

  it('inside a document is done at once', async () => {
    await navigate({ url: `${site.origin}/` });
    expect((await navigate({ url: `${site.origin}/#there` })).url).toBe(`${site.origin}/#there`);
  });

  it('sends the referer it is given', async () => {
    await navigate({ url: `${site.origin}/?referred`, referer: 'http://127.0.0.1:1/from' });
    const request = site.requests.findLast(({ url }) => url === '/?referred');
    expect(request?.headers.referer).toMatch(/^http:\/\/127\.0\.0\.1:1\//);
    await navigate({ url: `${site.origin}/?plain` });
    expect(site.requests.findLast(({ url }) => url === '/?plain')?.headers.referer).toBeUndefined();
  });

  it('is not held up by a dialog, which is answered for the page', async () => {
    site.on('/dialogs', '<script>alert("Hi"); document.title = String([confirm("?"), prompt("?")])</script>');
    expect((await navigate({ url: `${site.origin}/dialogs` })).title).toBe('false,');
    await execute({ code: 'onbeforeunload = (event) => event.preventDefault(); 0' });
    expect((await navigate({ url: `${site.origin}/` })).title).toBe('Start');
  });
});

describe('the content', () => {
  it('is the document as it is now, with its doctype', async () => {
    await navigate({ url: `${site.origin}/` });
    await execute({ code: 'document.querySelector("#p").textContent = "Changed <by script>"' });
    const answer = await api.call('GET', `/api/sessions/${id}/content`);
    const content = expectStatus<PageContent>(answer, 200);
    expect(content).toMatchObject({ url: `${site.origin}/`, title: 'Start' });
    expect(content.html).toMatch(/^<!DOCTYPE html><html>/i);
    expect(content.html).toContain('<p id="p">Changed &lt;by script&gt;</p>');
  });
});

describe('input', () => {
  const input = (actions: object[]): ReturnType<typeof api.call> =>
    api.call('POST', `/api/sessions/${id}/input`, { actions });

  it("is what the page takes for a user's", async () => {
    await navigate({ url: `${site.origin}/` });
    await execute({
      code: `document.body.innerHTML = '<input id=name>'; seen = [];
        for (const name of ['click', 'keydown']) addEventListener(name, (e) => seen.push([e.type, e.isTrusted]))`,
    });
    const answer = await input([
      { type: 'type', selector: '#name', text: 'Ada' },
      { type: 'key', key: 'Tab' },
    ]);
    expect(expectStatus<{ pointer: object }>(answer, 200).pointer).toEqual({
      x: expect.any(Number) as number,
      y: expect.any(Number) as number,
    });
    const { result } = await execute({ code: '({ value: document.querySelector("#name").value, seen })' });
    expect(result).toMatchObject({ value: 'Ada', seen: expect.arrayContaining([['click', true]]) as unknown[] });
    expect((result as { seen: unknown[][] }).seen.every(([, isTrusted]) => isTrusted)).toBe(true);
  });

  it('that lacks something is named, and what is not there is said', async () => {
    for (const [action, why] of [
      [{ type: 'move' }, 'needs x and y, or a selector'],
      [{ type: 'click', x: 1 }, 'give both x and y, or neither'],
      [{ type: 'click', x: 1, y: 1, selector: 'a' }, 'give either x and y or a selector'],
      [{ type: 'type' }, 'needs text'],
      [{ type: 'wait' }, 'needs ms'],
    ] as const) {
      const { errors } = expectProblem(await input([action]), 400, 'VALIDATION_FAILED');
      expect(errors).toEqual([{ path: '/actions/0', message: why }]);
    }
    expectProblem(await input([{ type: 'click', selector: '#nowhere' }]), 422, 'ELEMENT_NOT_FOUND');
  });
});

describe('cookies', () => {
  const read = async (): Promise<CookieList['cookies']> =>
    expectStatus<CookieList>(await api.call('GET', `/api/sessions/${id}/cookies`), 200).cookies;
  const put = async (cookies: object[]): Promise<CookieList['cookies']> =>
    expectStatus<CookieList>(await api.call('PUT', `/api/sessions/${id}/cookies`, { cookies }), 200).cookies;

  it('can be read, and put back as they were read', async () => {
    await navigate({ url: `${site.origin}/` });
    await execute({ code: 'document.cookie = "fromPage=1; max-age=3600"' });
    const inAnHour = Math.floor(Date.now() / 1000) + 3600;
    const set = await put([
      { name: 'session', value: 'a_b', url: site.origin, httpOnly: true, sameSite: 'Lax' },
      { name: 'lasting', value: 'v', domain: new URL(site.origin).hostname, path: '/deep', expires: inAnHour },
      { name: 'secure', value: 'v', domain: 'example.com', secure: true, sameSite: 'None' },
    ]);
    expect(set.map(({ name }) => name).sort()).toEqual(['lasting', 'secure', 'session']);
    expect(set.find(({ name }) => name === 'session')).toMatchObject({
      httpOnly: true,
      sameSite: 'Lax',
      expires: -1,
      domain: new URL(site.origin).hostname,
    });
    expect((await execute({ code: 'document.cookie' })).result).toBe('');
    const before = await read();
    expect(await put([])).toEqual([]);
    expect(await put(before)).toEqual(before);
    await navigate({ url: `${site.origin}/?cookies` });
    expect(site.requests.findLast(({ url }) => url === '/?cookies')?.headers.cookie).toBe('session=a_b');
  });

  it('that the browser refuses are refused by name, and the jar stays as it was', async () => {
    const before = await put([{ name: 'kept', value: '1', url: site.origin }]);
    const impossible = [
      { name: '__Host-a', value: '1', domain: 'example.com', path: '/deep' },
      { name: 'a', value: '1' },
      { name: 'a;b', value: '1', url: site.origin },
    ];
    for (const cookie of impossible) {
      const answer = await api.call('PUT', `/api/sessions/${id}/cookies`, { cookies: [cookie] });
      const problem = expectProblem(answer, 400, 'VALIDATION_FAILED');
      expect(problem.errors?.[0]?.path).toMatch(/^\/cookies/);
      expect(await read()).toEqual(before);
    }
  });

  it('set by a site are seen', async () => {
    site.on('/set', (_request, response) => response.writeHead(200, { 'set-cookie': 'fromSite=yes; HttpOnly' }).end());
    await navigate({ url: `${site.origin}/set` });
    await until('the cookie is there', async () =>
      (await read()).some(({ name, value }) => name === 'fromSite' && value === 'yes'),
    );
  });
});
