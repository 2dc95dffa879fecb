import { text } from 'node:stream/consumers';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { until } from '../../../server/testing/until.ts';
import { send } from '../../../test/acceptance/http-client.ts';
import { sendRaw } from '../../../test/acceptance/raw-websocket.ts';
import { Backend } from '../../testing/backend.ts';
import { expectGatewayProblem } from '../../testing/gateway-problem.ts';
import { type Gateway, openGateway } from '../../testing/gateway.ts';

let stack: AsyncDisposableStack;
beforeEach(() => {
  stack = new AsyncDisposableStack();
});
afterEach(() => stack.disposeAsync());

/** A gateway in front of so many nodes. */
async function open(count: number, settings: Record<string, string> = {}): Promise<[Gateway, ...Backend[]]> {
  const nodes = await Promise.all(Array.from({ length: count }, () => Backend.start(stack)));
  return [await openGateway(stack, { nodes: nodes.map(({ port }) => port), settings }), ...nodes];
}

describe('the gateway', () => {
  it('gives requests that come at once to all nodes', async () => {
    const [gateway, ...nodes] = await open(3);
    const answers = await Promise.all(Array.from({ length: 15 }, () => send(`${gateway.url}/api/profiles`)));
    expect(answers.map(({ status }) => status)).toEqual(Array(15).fill(200));
    for (const node of nodes) expect(node.received.length).toBeGreaterThan(0);
  });

  it('keeps its connections to nodes', async () => {
    const [gateway, node] = await open(1, { GATEWAY_WORKERS: '1' });
    for (let count = 0; count < 10; count += 1) await send(`${gateway.url}/api/profiles`);
    expect(node?.received).toHaveLength(10);
    expect(node?.connections).toBe(1);
  });

  it('hands on address, body and Host as they came', async () => {
    const [gateway, node] = await open(1);
    const body = '{"a":"b"}';
    const headers = { host: 'guise.example:8443', 'content-type': 'application/json' };
    await send(`${gateway.url}/api/profiles/a%2Fb?x=%20y`, { method: 'PATCH', headers, body });
    expect(node?.received[0]).toMatchObject({
      method: 'PATCH',
      url: '/api/profiles/a%2Fb?x=%20y',
      bodyBytes: body.length,
      headers: { host: 'guise.example:8443', 'x-forwarded-host': 'guise.example:8443', 'x-forwarded-proto': 'http' },
    });
  });

  it('says which address a client has, whatever the client says', async () => {
    const [gateway, node] = await open(1);
    const lies = { 'x-forwarded-for': '203.0.113.9', 'x-real-ip': '203.0.113.9', forwarded: 'for=203.0.113.9' };
    await send(`${gateway.url}/api/profiles`, { headers: { ...lies, 'x-forwarded-proto': 'https' } });
    const { headers } = node?.received[0] ?? {};
    expect(headers).toMatchObject({
      'x-forwarded-for': '127.0.0.1',
      'x-real-ip': '127.0.0.1',
      'x-forwarded-proto': 'http',
    });
    expect(headers).not.toHaveProperty('forwarded');
  });

  it('believes a proxy that it is told to trust', async () => {
    const [gateway, node] = await open(1, { GATEWAY_TRUSTED_PROXIES: '127.0.0.0/8 198.51.100.0/24' });
    const forwarded = {
      'x-forwarded-for': '192.0.2.1, 203.0.113.9, 198.51.100.7',
      'x-forwarded-host': 'guise.example',
    };
    await send(`${gateway.url}/api/profiles`, { headers: { ...forwarded, 'x-forwarded-proto': 'https' } });
    expect(node?.received[0]?.headers).toMatchObject({
      'x-forwarded-for': '203.0.113.9', // The last one that is no trusted proxy's.
      'x-forwarded-host': 'guise.example',
      'x-forwarded-proto': 'https',
      host: 'guise.example',
    });
  });

  it('gives each request an id, keeps the one it came with, and replaces what is none', async () => {
    const [gateway, node] = await open(1);
    const given = await send(`${gateway.url}/api/profiles`, { headers: { 'x-request-id': 'mine-1' } });
    const made = await send(`${gateway.url}/api/profiles`);
    const replaced = await send(`${gateway.url}/api/profiles`, { headers: { 'x-request-id': '"},{' } });
    expect(given.headers['x-request-id']).toBe('mine-1');
    for (const answer of [made, replaced]) expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f]{32}$/);
    expect(node?.received.map(({ headers }) => headers['x-request-id'])).toEqual(
      [given, made, replaced].map(({ headers }) => headers['x-request-id']),
    );
  });

  it('tells no version and no name of what nodes are made with', async () => {
    const [gateway] = await open(1);
    const own = await send(`${gateway.url}/api/profiles`, { method: 'POST', body: Buffer.alloc(9 * 1024 ** 2) });
    for (const { headers, text } of [await send(`${gateway.url}/api/profiles`), own]) {
      expect(headers['server']).toBe('nginx');
      expect(headers).not.toHaveProperty('x-powered-by');
      expect(text).not.toContain('nginx');
    }
  });

  it('compresses long answers for those who can read it', async () => {
    const answer = JSON.stringify({ text: 'abc '.repeat(1_000) });
    const node = await Backend.start(stack, (_request, response) => {
      response.setHeader('content-type', 'application/json; charset=utf-8').end(answer);
    });
    const gateway = await openGateway(stack, { nodes: [node.port] });
    const compressed = await send(`${gateway.url}/api/profiles`, { headers: { 'accept-encoding': 'gzip' } });
    expect(compressed.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept-Encoding' });
    expect(compressed.body.length).toBeLessThan(answer.length / 10);
    expect((await send(`${gateway.url}/api/profiles`)).text).toBe(answer);
  });

  it('refuses a body that is too large, but takes as large a file', async () => {
    const [gateway, node] = await open(1);
    const body = Buffer.alloc(9 * 1024 ** 2);
    expectGatewayProblem(await send(`${gateway.url}/api/profiles`, { method: 'POST', body }), 'PAYLOAD_TOO_LARGE');
    expect(node?.received).toEqual([]);
    const file = await send(`${gateway.url}/api/sessions/1/files`, { method: 'POST', body });
    expect(file.status).toBe(200);
    expect(node?.received[0]?.bodyBytes).toBe(body.length);
  });

  it('answers a request that it cannot read with a problem', async () => {
    const [gateway] = await open(1);
    const headers = { 'x-long': 'x'.repeat(40_000) };
    expectGatewayProblem(await send(`${gateway.url}/api/profiles`, { headers }), 'VALIDATION_FAILED');
  });

  it.each(['GET /% HTTP/1.1', 'GET /api/sessions/%zz HTTP/1.1', 'HELLO THERE', 'GET / HTTP/9.9', 'GET'])(
    'answers %s, which is no request, with a problem',
    async (line) => {
      const [gateway] = await open(1);
      const [head, body = ''] = (await text(sendRaw(gateway.port, `${line}\r\nHost: a\r\n\r\n`))).split('\r\n\r\n');
      expect(head).toMatch(/^HTTP\/1\.1 400 [^]*content-type: application\/problem\+json/i);
      expect(JSON.parse(body)).toMatchObject({ status: 400, code: 'VALIDATION_FAILED' });
    },
  );

  it.each(['/metrics', '/status', '/metrics/', '//metrics', '/%6detrics', '/health/../status', '/metrics?x=/health'])(
    'answers %s to internal addresses only',
    async (address) => {
      const [outside, node] = await open(1, { GATEWAY_INTERNAL: '127.0.0.0/8 !127.0.0.1' });
      expectGatewayProblem(await send(`${outside.url}${address}`), 'ORIGIN_NOT_ALLOWED');
      expect(node?.received).toEqual([]);
      const [inside] = await open(1);
      expect((await send(`${inside.url}${address}`)).status).toBe(200);
    },
  );

  it('logs each request without what may be secret', async () => {
    const [gateway, node] = await open(1);
    await send(`${gateway.url}/api/sessions/1/cdp?token=hush-1`, { headers: { 'x-api-key': 'hush-2' } });
    await node?.stop();
    await send(`${gateway.url}/connect?apiKey=hush-3`, { headers: { authorization: 'Bearer hush-4' } });
    const log = await until(async () => {
      const lines = await gateway.log();
      return lines.length === 2 && lines.map(({ path, status }) => `${path} ${status}`);
    });
    expect(log.toSorted()).toEqual(['/api/sessions/1/cdp 200', '/connect 502']);
    expect(await gateway.output()).not.toContain('hush');
  });
});
