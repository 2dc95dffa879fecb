import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { EncodedFile, Problem, Session } from '@guise/contract';

import { type Api, expectStatus } from './api.ts';
import { tryUpgrade } from './cdp-client.ts';
import { send } from './http-client.ts';
import { readImage } from './image.ts';
import { type PageServer, startPageServer } from './page-server.ts';
import { expectProblem } from './problem.ts';
import { connectRpc, type RpcAnswer, type RpcClient } from './rpc-client.ts';
import { type Service, startService } from './service.ts';
import { until } from './until.ts';

const UNKNOWN = '00000000-0000-4000-8000-000000000000';
/** Calls a connection may have under way: 64 at work and 256 in line. */
const MOST_CALLS = 320;

const stack = new AsyncDisposableStack();
let service: Service;
let api: Api;
let pages: PageServer;
let client: RpcClient;

beforeAll(async () => {
  service = await startService(stack);
  ({ api } = service);
  pages = await startPageServer(stack);
  pages.on('/', '<title>Here</title><p id=greeting>Hello</p>');
  client = stack.use(await connectRpc(service.address, service.key));
});
afterAll(() => stack.disposeAsync());

/** A session without what changes by itself. */
function lasting(session: unknown): Partial<Session> {
  const { lastActivityAt: _last, expiresAt: _expires, usage: _usage, ...rest } = session as Session;
  return rest;
}

async function rest(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
  return expectStatus(await api.call(method, `/api/sessions${path}`, body), 200);
}

describe('the methods of sessions', () => {
  it('create, read, list, change and end sessions as REST does', async () => {
    const options = { viewport: { width: 640, height: 480 }, metadata: { job: 'rpc' } };
    const created = (await client.call('session.create', options)) as unknown as Session;
    const { id: sessionId } = created;
    expect(created).toMatchObject({
      state: 'ACTIVE',
      metadata: { job: 'rpc' },
      identity: { viewport: options.viewport },
    });
    expect(lasting(created)).toEqual(lasting(await api.get(sessionId)));
    expect(lasting(await client.call('session.get', { sessionId }))).toEqual(lasting(await api.get(sessionId)));

    const listed = await client.call('session.list', { metadata: { job: 'rpc' }, limit: 5 });
    expect(listed).toMatchObject({ sessions: [{ id: sessionId }], nextCursor: null });
    await client.call('session.update', { sessionId, timeoutMs: 77_000, metadata: { job: 'changed' } });
    expect(await api.get(sessionId)).toMatchObject({ timeoutMs: 77_000, metadata: { job: 'changed' } });
    expect(await client.call('session.keepAlive', { sessionId })).toMatchObject({ id: sessionId, state: 'ACTIVE' });

    expect(await client.call('session.end', { sessionId })).toMatchObject({
      state: 'CLOSED',
      closeReason: 'requested',
    });
    expect((await api.get(sessionId)).state).toBe('CLOSED');
    expect(await client.call('session.events', { sessionId })).toEqual(await rest('GET', `/${sessionId}/events`));
    const [first] = (await client.call('session.events', { sessionId, limit: 1 }))['events'] as { id: number }[];
    expect(await client.call('session.events', { sessionId, after: first?.id, limit: 2 })).toEqual(
      await rest('GET', `/${sessionId}/events?after=${first?.id ?? 0}&limit=2`),
    );
  });

  it('act on the page as REST does', async () => {
    const { id: sessionId } = await api.create({ viewport: { width: 320, height: 240 } });
    const url = `${pages.origin}/`;
    expect(await client.call('session.navigate', { sessionId, url })).toMatchObject({
      url,
      status: 200,
      title: 'Here',
    });
    expect(
      await client.call('session.execute', { sessionId, function: '(a, b) => [a + b, document.title]', args: [1, 2] }),
    ).toMatchObject({ result: [3, 'Here'], type: 'array' });
    expect(await client.call('session.content', { sessionId })).toEqual(await rest('GET', `/${sessionId}/content`));

    const shot = (await client.call('session.screenshot', { sessionId, format: 'webp' })) as EncodedFile;
    expect(shot.mediaType).toBe('image/webp');
    expect(readImage(Buffer.from(shot.data, 'base64'))).toEqual({ format: 'webp', width: 320, height: 240 });
    const print = (await client.call('session.pdf', { sessionId, paper: 'a5' })) as EncodedFile;
    expect(print.mediaType).toBe('application/pdf');
    expect(Buffer.from(print.data, 'base64').subarray(0, 5).toString()).toBe('%PDF-');

    const cookies = [{ name: 'a', value: '1', url }];
    const stored = await client.call('session.setCookies', { sessionId, cookies });
    expect(stored).toMatchObject({ cookies: [{ name: 'a', value: '1', domain: new URL(url).hostname }] });
    expect(await client.call('session.getCookies', { sessionId })).toEqual(stored);
    expect(await rest('GET', `/${sessionId}/cookies`)).toEqual(stored);
    await api.end(sessionId);
  });

  it('are refused as over REST, with the problem document as data', async () => {
    const { id } = await api.create();
    const { id: ended } = await api.create();
    await api.end(ended);
    const refused: [method: string, params: object, verb: string, path: string, body?: object][] = [
      ['session.get', { sessionId: UNKNOWN }, 'GET', `/${UNKNOWN}`],
      ['session.get', { sessionId: 'none' }, 'GET', '/none'],
      ['session.end', { sessionId: UNKNOWN }, 'DELETE', `/${UNKNOWN}`],
      ['session.content', { sessionId: ended }, 'GET', `/${ended}/content`],
      ['session.update', { sessionId: ended, timeoutMs: 5_000 }, 'PATCH', `/${ended}`, { timeoutMs: 5_000 }],
      ['session.list', { cursor: 'wrong' }, 'GET', '?cursor=wrong'],
      ['session.create', { record: true }, 'POST', '', { record: true }],
      ['session.create', { colour: 1, headless: 'x' }, 'POST', '', { colour: 1, headless: 'x' }],
      ['session.execute', { sessionId: id }, 'POST', `/${id}/execute`, {}],
      ['session.execute', { sessionId: id, code: 'nope()' }, 'POST', `/${id}/execute`, { code: 'nope()' }],
      ['session.navigate', { sessionId: id, url: 'file:///' }, 'POST', `/${id}/navigate`, { url: 'file:///' }],
      ['session.screenshot', { sessionId: id, quality: 3 }, 'POST', `/${id}/screenshot`, { quality: 3 }],
      ['session.screenshot', { sessionId: id, store: true }, 'POST', `/${id}/screenshot`, { store: true }],
      ['session.pdf', { sessionId: id, scale: 9 }, 'POST', `/${id}/pdf`, { scale: 9 }],
      ['session.setCookies', { sessionId: id, cookies: 1 }, 'PUT', `/${id}/cookies`, { cookies: 1 }],
    ];
    for (const [method, params, verb, path, body] of refused) {
      const { error } = await client.ask(method, params);
      const answer = await api.call(verb, `/api/sessions${path}`, body);
      const { requestId: _id, instance: _instance, ...expected } = answer.json() as Problem;
      expect(answer.status, `${method} ${answer.text}`).toBeGreaterThanOrEqual(400);
      const { pageError, ...comparable } = expected;
      expect(error?.data, method).toMatchObject({ ...comparable, instance: '/api/ws' });
      expect(error?.data.pageError?.name).toBe(pageError?.name);
      expect(error?.code, method).toBe(expected.code === 'VALIDATION_FAILED' ? -32_602 : -32_000);
    }
    await api.end(id);
  });
});

describe('the protocol', () => {
  const ask = (id: unknown, method: string, params?: object): object => ({ jsonrpc: '2.0', id, method, params });

  it('answers with the id of the request, whatever id may be', async () => {
    for (const id of [1, -0.5, 'text', '', null]) {
      const answer = await client.exchange(JSON.stringify(ask(id, 'session.list', { limit: 1 })));
      expect(answer).toMatchObject({ jsonrpc: '2.0', id, result: { sessions: expect.any(Array) as unknown[] } });
    }
  });

  it('says what is wrong with a message by the codes of JSON-RPC 2.0', async () => {
    const cases: [text: string, id: unknown, code: number, problem: string][] = [
      ['{"jsonrpc": "2.0", "method": "session.list", "params": "bar", "baz]', null, -32_700, 'MALFORMED_JSON'],
      ['{"jsonrpc": "2.0", "method": 1, "params": "bar"}', null, -32_600, 'VALIDATION_FAILED'],
      ['[]', null, -32_600, 'VALIDATION_FAILED'],
      [JSON.stringify(Array(101).fill(ask(1, 'session.list'))), null, -32_600, 'VALIDATION_FAILED'],
      [JSON.stringify(ask(5, 'foobar')), 5, -32_601, 'ROUTE_NOT_FOUND'],
      [JSON.stringify(ask(5, 'toString')), 5, -32_601, 'ROUTE_NOT_FOUND'],
      [JSON.stringify(ask(6, 'session.get')), 6, -32_602, 'VALIDATION_FAILED'],
      [JSON.stringify(ask(7, 'session.get', [UNKNOWN])), 7, -32_602, 'VALIDATION_FAILED'],
    ];
    for (const [text, id, code, problem] of cases) {
      expect(await client.exchange(text), text).toMatchObject({ id, error: { code, data: { code: problem } } });
    }
    const missing = (await client.exchange(JSON.stringify(ask(8, 'session.get')))) as RpcAnswer;
    expect(missing.error?.data.errors).toEqual([{ path: '/sessionId', message: 'is required' }]);
  });

  it('does notifications without a word, also when they fail', async () => {
    const { id: sessionId } = await api.create();
    client.send(JSON.stringify({ jsonrpc: '2.0', method: 'session.update', params: { sessionId, timeoutMs: 66_000 } }));
    client.send(JSON.stringify({ jsonrpc: '2.0', method: 'foobar' }));
    await until('the update is made', async () => (await api.get(sessionId)).timeoutMs === 66_000);
    // Had they been answered, that would be the next message.
    expect(await client.exchange(JSON.stringify(ask('last', 'session.list', { limit: 1 })))).toMatchObject({
      id: 'last',
    });
    await api.end(sessionId);
  });

  it('answers a batch with an array of what is to be answered, and one of notifications not at all', async () => {
    const batch = [ask(1, 'session.list', { limit: 1 }), { jsonrpc: '2.0', method: 'foobar' }, 1, ask(2, 'foobar')];
    const answers = (await client.exchange(JSON.stringify(batch))) as RpcAnswer[];
    expect(answers.map(({ id, error }) => [id, error?.code])).toEqual([
      [1, undefined],
      [null, -32_600],
      [2, -32_601],
    ]);
    client.send(JSON.stringify([{ jsonrpc: '2.0', method: 'foobar' }]));
    expect(await client.exchange(JSON.stringify(ask('next', 'session.list', { limit: 1 })))).toMatchObject({
      id: 'next',
    });
  });
});

describe('calls under way', () => {
  it('overtake each other, and are refused beyond a limit', async () => {
    const { id: sessionId } = await api.create();
    const wait = { sessionId, code: 'await new Promise((done) => setTimeout(done, 200)); 1' };
    const slow = Array.from({ length: MOST_CALLS + 30 }, () => client.ask('session.execute', wait));
    const answers = await Promise.all(slow);
    expect(answers.filter(({ result }) => result !== undefined)).toHaveLength(MOST_CALLS);
    const refused = answers.flatMap(({ error }) => (error === undefined ? [] : [error.data.code]));
    expect(refused).toEqual(Array(30).fill('TOO_MANY_REQUESTS'));
    await api.end(sessionId);
  });

  it('are broken off by cancel, and answered with that', async () => {
    const { id: sessionId } = await api.create();
    const never = client.exchange(
      JSON.stringify({
        jsonrpc: '2.0',
        id: 'never',
        method: 'session.execute',
        params: { sessionId, code: 'await new Promise(() => {})' },
      }),
    );
    expect(await client.call('cancel', { requestId: 'never' })).toEqual({ wasUnderWay: true });
    expect(await never).toMatchObject({ id: 'never', error: { code: -32_000, data: { code: 'REQUEST_CANCELLED' } } });
    expect(await client.call('cancel', { requestId: 'never' })).toEqual({ wasUnderWay: false });
    expect(await client.call('session.execute', { sessionId, code: '1 + 1' })).toMatchObject({ result: 2 });
    await api.end(sessionId);
  });

  it('are broken off when their client goes, while a session that was answered lives on', async () => {
    const leaving = await connectRpc(service.address, service.key);
    const { id } = (await leaving.call('session.create', { metadata: { who: 'left' } })) as unknown as Session;
    leaving.ask('session.create', { timezone: 'Asia/Tokyo', metadata: { who: 'leaving' } }).catch(() => undefined);
    leaving.ask('session.execute', { sessionId: id, code: 'await new Promise(() => {})' }).catch(() => undefined);
    const starting = await until('the second create is under way', async () => {
      const { sessions } = (await rest('GET', '?metadata.who=leaving')) as unknown as { sessions: Session[] };
      return sessions[0];
    });
    leaving[Symbol.dispose]();
    const broken = await until('it was broken off', async () => {
      const session = await api.get(starting.id);
      return session.state === 'CLOSED' && session;
    });
    expect(broken.closeReason).toBe('client_disconnected');
    expect((await api.get(id)).state).toBe('ACTIVE');
    expect(await api.evaluate(id, '6 * 7')).toBe(42);
    await api.end(id);
  });
});

describe('the address', () => {
  it('tells a plain request what it wants', async () => {
    const plain = await send(`${service.address}/api/ws`, { headers: service.headers });
    expectProblem(plain, 426, 'UPGRADE_REQUIRED');
    expect(plain.headers.upgrade).toBe('websocket');
  });

  it('keeps web pages of others out where no key does', { tags: 'own-settings' }, async () => {
    const address = `${service.address.replace('http', 'ws')}/api/ws`;
    const foreign = await tryUpgrade(address, { origin: 'https://evil.example' });
    expectProblem(foreign, 403, 'ORIGIN_NOT_ALLOWED');
  });

  it('is closed with 1009 to a message that is too large', async () => {
    const large = await connectRpc(service.address, service.key);
    large.send(' '.repeat(5 * 1024 ** 2));
    expect((await large.closed).code).toBe(1009);
  });

  it('is closed with 1001 when the service stops', { tags: 'own-process' }, async () => {
    await using own = new AsyncDisposableStack();
    const other = await startService(own, { WARM_POOL_SIZE: '0' });
    const rpc = await connectRpc(other.address);
    await rpc.call('subscribe', { topics: ['events', 'metrics'] });
    const { id: sessionId } = (await rpc.call('session.create')) as unknown as Session;
    const never = rpc.ask('session.execute', { sessionId, code: 'await new Promise(() => {})' });
    expect(await other.end('SIGTERM')).toBe(0);
    expect(await rpc.closed).toEqual({ code: 1001, reason: 'shutdown' });
    expect((await never).error?.data.code).toMatch(/SESSION_ENDED|SHUTTING_DOWN/);
  });
});
