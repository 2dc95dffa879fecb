import type { Execute } from '@guise/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { AppError } from '../lib/app-error.ts';
import { openTestHost, PLAIN_BROWSER } from '../testing/test-host.ts';
import { launchBrowser } from './launch-browser.ts';
import type { Page } from './page.ts';

const soon = (): AbortSignal => AbortSignal.timeout(20_000);

describe('running a script', () => {
  const stack = new AsyncDisposableStack();
  let page: Page;

  beforeAll(async () => {
    const browser = stack.use(await launchBrowser(PLAIN_BROWSER, await openTestHost(stack), soon()));
    page = await browser.page(soon());
  });
  afterAll(() => stack.disposeAsync());

  const run = async (input: Execute): Promise<unknown> => (await page.execute(input, soon())).result;
  const fail = async (input: Execute): Promise<AppError> => {
    const error = await page.execute(input, soon()).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(Error);
    return error as AppError;
  };

  it.each<[string, Execute, unknown]>([
    ['an expression', { code: '1 + 1' }, 2],
    ['statements, of which the last is the result', { code: 'var a = 2; a * 3' }, 6],
    ['a promise', { code: 'Promise.resolve(7)' }, 7],
    ['a top-level await', { code: 'await Promise.resolve(8)' }, 8],
    ['an awaited call', { code: 'await (async () => 9)()' }, 9],
    ['statements with an await', { code: 'const c = await Promise.resolve(1); c + 1' }, 2],
    ['a name declared before', { code: 'const c = 5; c' }, 5],
    ['a promise after names were declared', { code: 'const d = 5; Promise.resolve({ d })' }, { d: 5 }],
    ['an awaited object', { code: 'await Promise.resolve({ e: [1] })' }, { e: [1] }],
    ['a top-level return', { code: 'const b = await Promise.resolve(3); return b + 1' }, 4],
    ['nothing', { code: 'undefined' }, null],
    ['a function', { function: '(a, b) => a + b', args: [1, 2] }, 3],
    ['an async function', { function: 'async function (a) { return a.length }', args: [[1, 2, 3]] }, 3],
    ['a function without arguments', { function: '() => document.readyState' }, 'complete'],
    ['plain data', { code: '({ a: [1, { b: null }] })' }, { a: [1, { b: null }] }],
  ])('gives the result of %s', async (_what, input, expected) => {
    expect(await run(input)).toEqual(expected);
  });

  it('passes arguments as data, whatever their members are called', async () => {
    const args = [JSON.parse('{"__proto__": 1, "a": 2}') as unknown];
    expect(await run({ function: '(x) => [Object.keys(x), ({}).polluted ?? null]', args })).toEqual([
      ['__proto__', 'a'],
      null,
    ]);
  });

  it('runs the script once when what it throws looks like a mistake in the script', async () => {
    const { code, extensions } = await fail({ code: 'globalThis.runs = (globalThis.runs ?? 0) + 1; JSON.parse("{")' });
    expect(code).toBe('SCRIPT_FAILED');
    expect(extensions.pageError?.name).toBe('SyntaxError');
    expect(await run({ code: 'runs' })).toBe(1);
    // An error of the parser without a frame on its stack, thrown by a promise.
    const later = 'globalThis.runs += 1; new Response("no json").json()';
    expect((await fail({ code: later })).extensions.pageError?.name).toBe('SyntaxError');
    expect(await run({ code: 'runs' })).toBe(2);
  });

  it('gives the message and the stack of what the page threw', async () => {
    const { code, message, extensions } = await fail({
      code: 'function inner() { throw new TypeError("no\\nway") } inner()',
    });
    expect([code, message]).toEqual(['SCRIPT_FAILED', 'TypeError: no\nway']);
    expect(extensions.pageError).toMatchObject({ name: 'TypeError', message: 'no\nway' });
    expect(extensions.pageError?.stack).toContain('at inner');
    expect((await fail({ code: 'throw "plain"' })).extensions.pageError?.message).toBe('plain');
    expect((await fail({ code: '1 +* 2' })).extensions.pageError?.name).toBe('SyntaxError');
    expect((await fail({ code: 'Promise.reject(new RangeError("later"))' })).extensions.pageError?.name).toBe(
      'RangeError',
    );
  });

  it.each(['window', 'const c = {}; c.c = c; c', '10n', 'NaN', 'Infinity', '(() => 1)', 'Symbol("x")'])(
    'says so when the result, %s, is nothing JSON can carry',
    async (code) => {
      expect(await fail({ code })).toMatchObject({ code: 'RESULT_NOT_SERIALIZABLE' });
    },
  );

  it('says that the page went away when it did', async () => {
    const code = 'location.reload(); new Promise((resolve) => setTimeout(resolve, 5_000))';
    expect(await fail({ code })).toMatchObject({ code: 'PAGE_OPERATION_FAILED' });
  });

  it('refuses arguments nested too deeply to be written down', async () => {
    const args = [JSON.parse('['.repeat(100_000) + ']'.repeat(100_000)) as unknown];
    expect(await fail({ function: '(a) => a', args })).toMatchObject({ code: 'VALIDATION_FAILED' });
  });

  it('gives up on an isolated world of a page that loops, and stops the loop', async () => {
    await run({ code: 'setTimeout(() => { while (true) {} }, 0); 1' });
    expect(await fail({ code: '1', world: 'isolated', timeoutMs: 300 })).toMatchObject({ code: 'OPERATION_TIMED_OUT' });
    expect(await run({ code: '1 + 1' })).toBe(2);
  });

  it('describes the result when it is not wanted by value', async () => {
    expect(await page.execute({ code: 'document.body', returnByValue: false }, soon())).toMatchObject({
      result: 'body',
      type: 'node',
    });
  });

  it('keeps an isolated world from the page', async () => {
    await run({ code: 'globalThis.secret = 1; document.title = "shared"' });
    expect(await run({ code: '[typeof secret, document.title]', world: 'isolated' })).toEqual(['undefined', 'shared']);
    await run({ code: 'globalThis.hidden = 1', world: 'isolated' });
    expect(await run({ code: 'typeof hidden' })).toBe('undefined');
  });

  it.each([
    ['that loops', 'while (true) {}'],
    ['that waits for ever', 'await new Promise(() => {})'],
    ['that starts a loop later', 'setTimeout(() => { while (true) {} }, 20); await new Promise(() => {})'],
    ['that loops in a promise', 'await Promise.resolve().then(() => { while (true) {} })'],
  ])('stops a script %s, and the page goes on', async (_what, code) => {
    expect(await fail({ code, timeoutMs: 300 })).toMatchObject({ code: 'OPERATION_TIMED_OUT' });
    expect(await run({ code: '1 + 1' })).toBe(2);
  });

  it('is not noticed by the page: Runtime.enable is never sent', async () => {
    const code = `let seen = false;
      const bait = new Error();
      Error.prepareStackTrace = () => { seen = true; return ''; };
      console.log(bait);
      await new Promise((resolve) => setTimeout(resolve, 50));
      delete Error.prepareStackTrace;
      return seen;`;
    expect(await run({ code })).toBe(false);
  });
});
