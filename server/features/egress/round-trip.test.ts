import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { createServer, request as httpRequest } from 'node:http';
import { describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';

import { type EgressRig, listenOnLoopback, openEgressRig, openRawClient } from '../../testing/egress-rig.ts';
import { until } from '../../testing/until.ts';

const TOKEN = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,20}$/);
const headerValue = fc.stringMatching(/^[\x21-\x7e\x80-\xff]([\t\x20-\x7e\x80-\xff]{0,40}[\x21-\x7e\x80-\xff])?$/);
/** Those by which messages are framed, and connections kept, are Node's to write in this test. */
const FRAMING =
  /^(connection|keep-alive|transfer-encoding|content-length|host|expect|upgrade|te|trailer|date|proxy-.*|http2-settings)$/i;
const headers = fc.array(
  fc.tuple(
    TOKEN.filter((name) => !FRAMING.test(name)),
    headerValue,
  ),
  { maxLength: 12 },
);
const body = fc.array(fc.uint8Array({ maxLength: 5_000 }), { maxLength: 5 });
const message = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND'),
  path: fc.stringMatching(/^[!-"$-~]{0,60}$/),
  headers,
  body,
  framing: fc.constantFrom('length', 'chunked'),
});
type Message = typeof message extends fc.Arbitrary<infer Each> ? Each : never;

interface Seen {
  readonly status?: number | undefined;
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: readonly string[];
  readonly body: string;
}

const digest = (chunks: readonly Uint8Array[]): string =>
  createHash('sha256').update(Buffer.concat(chunks)).digest('hex');

function toLines({ headers: lines, body: chunks, framing }: Message): string[] {
  const length = chunks.reduce((sum, { length: each }) => sum + each, 0);
  const frame = framing === 'length' ? ['Content-Length', String(length)] : ['Transfer-Encoding', 'chunked'];
  return [...lines.flat(), ...frame];
}

/** Sends one message to a site that answers with another, and tells what either side saw. */
async function exchange(rig: EgressRig, sent: Message, answered: Message): Promise<{ atSite: Seen; atClient: Seen }> {
  let atSite: Seen | undefined;
  await using site = await listenOnLoopback(
    createServer((request, response) => {
      const chunks: Uint8Array[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        atSite = { method: request.method, url: request.url, headers: request.rawHeaders, body: digest(chunks) };
        response.sendDate = false;
        response.writeHead(203, ['Connection', 'keep-alive', ...toLines(answered)]);
        for (const chunk of answered.body) response.write(chunk);
        response.end();
      });
    }),
  );
  const outcome = Promise.withResolvers<Seen>();
  const host = `127.0.0.1:${site.port}`;
  const request = httpRequest(
    {
      port: rig.proxy.port,
      host: '127.0.0.1',
      agent: false,
      method: sent.method,
      path: `http://${host}/${sent.path}`,
      headers: ['Host', host, 'Proxy-Connection', 'keep-alive', 'Connection', 'close', ...toLines(sent)],
    },
    (response) => {
      const chunks: Uint8Array[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', outcome.reject);
      response.on('end', () =>
        outcome.resolve({ status: response.statusCode, headers: response.rawHeaders, body: digest(chunks) }),
      );
    },
  );
  request.on('error', outcome.reject);
  for (const chunk of sent.body) request.write(chunk);
  request.end();
  const atClient = await outcome.promise;
  if (atSite === undefined) throw new Error('The site was not asked');
  return { atSite, atClient };
}

describe('any request and any answer', () => {
  it('come through as they are', { timeout: 30_000 }, async () => {
    await using rig = await openEgressRig();
    rig.configure();
    await fc.assert(
      fc.asyncProperty(message, message, async (sent, answered) => {
        const { atSite, atClient } = await exchange(rig, sent, answered);
        expect(atSite.method).toBe(sent.method);
        expect(atSite.url).toBe(`/${sent.path}`);
        expect(atSite.headers.slice(2)).toEqual(['Connection', 'close', ...toLines(sent)]);
        expect(atSite.body).toBe(digest(sent.body));
        expect(atClient).toEqual({
          status: 203,
          headers: ['Connection', 'keep-alive', ...toLines(answered)],
          body: digest(answered.body),
        });
      }),
      { numRuns: 150 },
    );
  });

  it('are read the same however the bytes come in pieces', { timeout: 30_000 }, async () => {
    await using rig = await openEgressRig();
    rig.configure();
    let received = '';
    await using site = await listenOnLoopback(
      createServer((request, response) => {
        request.on('data', (chunk: Buffer) => (received += chunk.toString()));
        request.on('end', () => response.end());
      }),
    );
    const head = `POST http://127.0.0.1:${site.port}/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const text = `${head}5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nT: 1\r\n\r\n`;
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.integer({ min: 1, max: text.length - 1 }), { maxLength: 8 }), async (cuts) => {
        received = '';
        using client = openRawClient(rig.proxy.port, '');
        const ends = [...cuts.toSorted((one, other) => one - other), text.length];
        let from = 0;
        for (const to of ends) {
          client.socket.write(text.slice(from, to));
          from = to;
          await new Promise((resolve) => setImmediate(resolve));
        }
        await until(() => client.received().startsWith('HTTP/1.1 200 '));
        expect(received).toBe('hello world');
      }),
      { numRuns: 100 },
    );
  });
});

describe('a WebSocket', () => {
  it('goes through the tunnel that Chromium asks for', async () => {
    await using rig = await openEgressRig();
    rig.configure();
    const server = createServer();
    await using site = await listenOnLoopback(server);
    const sockets = new WebSocketServer({ server });
    sockets.on('connection', (each) => each.on('message', (data) => each.send(data)));
    using client = openRawClient(rig.proxy.port, `CONNECT 127.0.0.1:${site.port} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await until(() => client.received().endsWith('\r\n\r\n'));
    client.socket.removeAllListeners('data');
    const socket = new WebSocket(`ws://127.0.0.1:${site.port}/`, { createConnection: () => client.socket });
    const echoed = Promise.withResolvers<number>();
    socket.on('open', () => socket.send(Buffer.alloc(1_000_000)));
    socket.on('message', (data: Buffer) => echoed.resolve(data.length));
    socket.on('error', echoed.reject);
    expect(await echoed.promise).toBe(1_000_000);
    socket.terminate();
    sockets.close();
  });
});
