import { createServer } from 'node:net';

import type { ExecuteResult } from '@guise/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Api, expectStatus } from './api.ts';
import type { Answer } from './http-client.ts';
import { type PageServer, startPageServer } from './page-server.ts';
import { expectProblem } from './problem.ts';
import { type Service, startService } from './service.ts';
import { until } from './until.ts';

const stack = new AsyncDisposableStack();
let service: Service;
let api: Api;
let site: PageServer;
/** A live session all tests of this file share: what goes wrong in one must not spoil the next. */
let id: string;

beforeAll(async () => {
  site = await startPageServer(stack);
  site.on('/', '<title>Start</title><p>Hello</p>');
  service = await startService(stack);
  ({ api } = service);
  ({ id } = await api.create());
});
afterAll(() => stack.disposeAsync());

const act = (operation: string, body: object): Promise<Answer> =>
  api.call('POST', `/api/sessions/${id}/${operation}`, body);

/** The page answers, quickly: nothing of an earlier request keeps it busy. */
async function expectPageAnswers(): Promise<void> {
  const { result } = expectStatus<ExecuteResult>(await act('execute', { code: '6 * 7', timeoutMs: 5_000 }), 200);
  expect(result).toBe(42);
}

describe('a script that throws', () => {
  it('is 422 with what the page threw: name, message, stack', async () => {
    await api.navigate(id, `${site.origin}/`);
    const code = 'function inner() { throw new TypeError("no such thing"); }\nfunction outer() { inner(); }\nouter()';
    const problem = expectProblem(await act('execute', { code }), 422, 'SCRIPT_FAILED');
    expect(problem.detail).toContain('no such thing');
    expect(problem.pageError).toMatchObject({ name: 'TypeError', message: 'no such thing' });
    expect(problem.pageError?.stack).toMatch(/TypeError: no such thing\n\s+at inner .*\n\s+at outer /);
    await expectPageAnswers();
  });

  it('is 422 too when a promise is rejected, or what is thrown is no error', async () => {
    const rejected = await act('execute', { code: 'Promise.reject(new RangeError("later"))' });
    expect(expectProblem(rejected, 422, 'SCRIPT_FAILED').pageError).toMatchObject({
      name: 'RangeError',
      message: 'later',
    });
    const awaited = await act('execute', { code: 'await Promise.reject(new RangeError("later"))' });
    expect(expectProblem(awaited, 422, 'SCRIPT_FAILED').pageError).toMatchObject({
      name: 'RangeError',
      message: 'later',
    });
    for (const thrown of ['"a text"', '42', 'null', 'undefined', '{ code: 7 }', 'Symbol("s")', 'document.body']) {
      const problem = expectProblem(await act('execute', { code: `throw ${thrown}` }), 422, 'SCRIPT_FAILED');
      expect(problem.pageError).toEqual({
        name: expect.any(String) as string,
        message: expect.any(String) as string,
        stack: expect.any(String) as string,
      });
    }
    const problem = expectProblem(await act('execute', { code: 'throw "a text"' }), 422, 'SCRIPT_FAILED');
    expect(problem.pageError?.message).toContain('a text');
  });

  it('is 422 when it does not parse', async () => {
    for (const body of [{ code: 'let = = 1' }, { function: '(' }, { code: 'return' + ' }' }]) {
      expect(expectProblem(await act('execute', body), 422, 'SCRIPT_FAILED').pageError?.name).toBe('SyntaxError');
    }
  });

  it('is not to blame when its page is sent elsewhere meanwhile: the answer says that, and not that its result is odd', async () => {
    await api.navigate(id, `${site.origin}/`);
    site.on('/elsewhere', '<title>Elsewhere</title>');
    const answer = await act('execute', {
      code: 'location.href = "/elsewhere"; new Promise(() => {})',
      timeoutMs: 10_000,
    });
    expectProblem(answer, 422, 'PAGE_OPERATION_FAILED');
    await until('the page is there', async () => (await api.evaluate(id, 'document.title')) === 'Elsewhere');
  });

  it('cannot spoil its own report', async () => {
    const code = 'const e = new Error("x"); Object.defineProperty(e, "stack", { get() { for (;;); } }); throw e';
    expectProblem(await act('execute', { code, timeoutMs: 2_000 }), 422, 'SCRIPT_FAILED');
    await expectPageAnswers();
  });
});

describe('a result JSON cannot carry', () => {
  it('is 422 and names its type', async () => {
    const results = {
      NaN: 'number',
      '-0': 'number',
      Infinity: 'number',
      '10n': 'bigint',
      'Symbol("s")': 'symbol',
      '() => 1': 'function',
      window: 'object',
      '(() => { const ring = {}; ring.ring = ring; return ring; })()': 'object',
    };
    for (const [code, type] of Object.entries(results)) {
      const problem = expectProblem(await act('execute', { code }), 422, 'RESULT_NOT_SERIALIZABLE');
      expect([code, problem.resultType]).toEqual([code, type]);
    }
    await expectPageAnswers();
  });

  it('is said so for one deep in another', async () => {
    const answer = await act('execute', { code: '({ rows: [{ id: 10n }] })' });
    expectProblem(answer, 422, 'RESULT_NOT_SERIALIZABLE');
  });
});

describe('a navigation that fails', () => {
  const expectNetError = async (url: string, netError: string): Promise<void> => {
    const problem = expectProblem(await act('navigate', { url }), 422, 'NAVIGATION_FAILED');
    expect(problem.netError).toBe(netError);
    expect(problem.detail).toContain(netError);
  };

  it("is 422 with Chromium's network error, and the session lives on", { tags: 'same-machine' }, async () => {
    // A port that was free a moment ago, and nobody listens on.
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    await new Promise((resolve) => server.close(resolve));

    site.on('/reset', (request) => request.socket.destroy());
    site.on('/loop', (_request, response) => response.writeHead(302, { location: '/loop' }).end());
    await expectNetError(`http://127.0.0.1:${port ?? 0}/`, 'ERR_CONNECTION_REFUSED');
    await expectNetError('http://no-such-host.invalid/', 'ERR_NAME_NOT_RESOLVED');
    await expectNetError(`${site.origin}/reset`, 'ERR_EMPTY_RESPONSE');
    await expectNetError(`${site.origin}/loop`, 'ERR_TOO_MANY_REDIRECTS');
    await expectNetError(`${site.origin.replace('http:', 'https:')}/`, 'ERR_SSL_PROTOCOL_ERROR');
    await expectNetError('http://127.0.0.1:1/', 'ERR_UNSAFE_PORT');

    expect((await api.navigate(id, `${site.origin}/`)).title).toBe('Start');
    expect((await api.get(id)).state).toBe('ACTIVE');
  });

  it('to files and to pages of the browser itself is refused before it begins', async () => {
    const before = (await api.evaluate(id, 'location.href')) as string;
    const urls = [
      'file:///etc/hostname',
      'FILE:///etc/hostname',
      ' file:///etc/hostname',
      'view-source:file:///etc/hostname',
      'chrome://version',
      'chrome-extension://abc/',
      'devtools://devtools/bundled/inspector.html',
      'about:version',
      'javascript:alert(1)',
      'blob:http://127.0.0.1/1',
      'filesystem:http://127.0.0.1/1',
      'ftp://127.0.0.1/',
      'http://',
      'not a url',
      '',
    ];
    for (const url of urls) {
      const problem = expectProblem(await act('navigate', { url }), 400, 'VALIDATION_FAILED');
      expect(problem.errors?.[0]?.path).toBe('/url');
      expectProblem(await api.call('POST', '/api/sessions', { startUrl: url }), 400, 'VALIDATION_FAILED');
    }
    expect(await api.evaluate(id, 'location.href')).toBe(before);
  });

  it('to an address that begins like one and is none is 422', async () => {
    for (const url of ['http://[', 'https://:80/', 'http://%00/']) {
      expectProblem(await act('navigate', { url }), 422, 'PAGE_OPERATION_FAILED');
    }
    await expectNetError('http://a b/', 'ERR_NAME_NOT_RESOLVED');
    await expectPageAnswers();
  });
});

describe('an element', () => {
  it('nobody finds is 422, and so is a selector that is none or an element without a size', async () => {
    await api.navigate(id, 'data:text/html,<div id=empty></div>');
    for (const selector of ['#missing', '<<<', '#empty', "');alert('1"]) {
      expectProblem(await act('screenshot', { selector }), 422, 'ELEMENT_NOT_FOUND');
    }
  });
});

describe('a time-out', () => {
  it('of a script is 504 and ends the loop it is in', async () => {
    const loops = [
      { code: 'for (;;);' },
      { function: '() => { for (;;); }' },
      { code: 'await null; for (;;);' },
      { code: 'Promise.resolve().then(() => { for (;;); })' },
      { code: 'setTimeout(() => { for (;;); }, 1); new Promise(() => {})' },
      { code: 'for (;;);', world: 'isolated' },
    ];
    for (const loop of loops) {
      expectProblem(await act('execute', { ...loop, timeoutMs: 300 }), 504, 'OPERATION_TIMED_OUT');
      await expectPageAnswers();
    }
  });

  it('of a script that waits for what never comes is 504, and the page goes on', async () => {
    expectProblem(await act('execute', { code: 'new Promise(() => {})', timeoutMs: 100 }), 504, 'OPERATION_TIMED_OUT');
    await expectPageAnswers();
  });

  it('of a navigation is 504 and stops the load', async () => {
    const open = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<void>();
    site.on('/never', (request) => {
      open.resolve();
      request.socket.once('close', gone.resolve);
    });
    expectProblem(await act('navigate', { url: `${site.origin}/never`, timeoutMs: 400 }), 504, 'OPERATION_TIMED_OUT');
    await open.promise;
    // The site sees its client hang up: nobody goes on waiting for the page.
    await gone.promise;

    const hung = Promise.withResolvers<void>();
    site.on('/slow-image', (request) => void request.socket.once('close', hung.resolve));
    site.on('/slow', '<title>Slow</title><img src="/slow-image">');
    expectProblem(await act('navigate', { url: `${site.origin}/slow`, timeoutMs: 600 }), 504, 'OPERATION_TIMED_OUT');
    await hung.promise;
    await expectPageAnswers();
  });

  it('of a picture or a print is 504 where a script keeps the page busy, and the page answers afterwards', async () => {
    await api.navigate(id, `${site.origin}/`);
    for (const operation of ['screenshot', 'pdf']) {
      const entered = Promise.withResolvers<void>();
      site.on('/entered', (_request, response) => {
        response.end();
        entered.resolve();
      });
      // A synchronous request: from the moment it goes out, which tells us that the script runs, the page is blocked.
      const code = 'const call = new XMLHttpRequest(); call.open("GET", "/entered", false); call.send(); for (;;);';
      const busy = act('execute', { code, timeoutMs: 2_000 });
      await entered.promise;
      expectProblem(await act(operation, { timeoutMs: 300 }), 504, 'OPERATION_TIMED_OUT');
      expectProblem(await busy, 504, 'OPERATION_TIMED_OUT');
      await expectPageAnswers();
    }
  });
});
