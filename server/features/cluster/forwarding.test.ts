import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Server } from 'node:net';
import { text } from 'node:stream/consumers';

import type { FastifyInstance } from 'fastify';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { KEYLESS_ACCESS } from '../../http/access-hooks.ts';
import { createHttpServer } from '../../http/index.ts';
import { silentLogger } from '../../platform/logger/logger.ts';
import { dispatchUpgrades } from '../../websocket/index.ts';
import { forwardUpgrade } from './forward-upgrade.ts';
import { forwardRequests } from './forwarding-routes.ts';
import { HopSignature } from './hop-signature.ts';
import { NodeClient } from './node-client.ts';
import type { ReachableNode } from './node-registry.ts';

const PATH = '/api/sessions/3f0c8f1e-2f43-4c1b-9d53-0c9f5a0d7a11';
const UPGRADE = ['connection: Upgrade', 'upgrade: websocket'];

async function listen(server: Server, stack: AsyncDisposableStack): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stack.defer(() => new Promise<void>((resolve) => void server.close(() => resolve())));
  return (server.address() as AddressInfo).port;
}

/** A node that passes requests for every session on to `node`. `noted` is told of those it has answered itself. */
async function openNode(
  node: ReachableNode,
  stack: AsyncDisposableStack,
  noted: (problemCode: string | null) => void = () => undefined,
): Promise<FastifyInstance> {
  const signature = new HopSignature(Buffer.alloc(32));
  const client = stack.use(new NodeClient(signature));
  const http = await createHttpServer({
    logger: pino({ level: 'silent' }),
    version: '0',
    refusesForeignOrigins: false,
    access: { ...KEYLESS_ACCESS, noteAnswer: ({ problemCode }) => noted(problemCode) },
    onAnswered: () => undefined,
  });
  const owners = { findElsewhere: async (): Promise<ReachableNode> => node, hasNone: async () => false };
  forwardRequests(http, { nodeId: 'a', signature, owners, client, onForwarded: () => undefined });
  http.all('/api/sessions/:sessionId', { schema: { hide: true } }, async () => 'here');
  dispatchUpgrades(http.server, {
    logger: silentLogger,
    check: () => undefined,
    routes: [
      {
        pattern: new URLPattern({ pathname: '/api/sessions/:sessionId/cdp' }),
        handle: (upgrade) => forwardUpgrade(upgrade, { node, hop: { from: 'a' } }, client),
      },
    ],
  });
  await http.listen({ port: 0, host: '127.0.0.1' });
  stack.defer(() => http.close());
  return http;
}

async function send(node: FastifyInstance, path: string): Promise<IncomingMessage> {
  const { port } = node.server.address() as AddressInfo;
  const outgoing = request({ host: '127.0.0.1', port, path, agent: false }).end();
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
  return answer;
}

describe('requests that are passed on', () => {
  let stack: AsyncDisposableStack;
  let port: number;
  /** What the other node was asked for, with the bodies. */
  let asked: { line: string; body: string; headers: IncomingMessage['headers'] }[];
  let strangers: number;
  let strangerPort: number;

  beforeEach(async () => {
    stack = new AsyncDisposableStack();
    asked = [];
    strangers = 0;
    const stranger = createTcpServer((socket) => {
      strangers += 1;
      socket.destroy();
    });
    strangerPort = await listen(stranger, stack);
    const other = createServer((request, response) => {
      void text(request).then((body) => {
        asked.push({ line: `${request.method} ${request.url}`, body, headers: request.headers });
        response.end('there');
      });
    });
    const url = `http://127.0.0.1:${await listen(other, stack)}`;
    const http = await openNode({ nodeId: 'b', url }, stack);
    port = (http.server.address() as AddressInfo).port;
  });
  afterEach(() => stack.disposeAsync());

  /** Sends lines as they are and reads until the connection ends. */
  async function sendRaw(lines: readonly string[], body = ''): Promise<string> {
    const socket = connect(port, '127.0.0.1');
    socket.write([...lines, 'host: guise', '', body].join('\r\n'));
    return text(socket);
  }

  it('reach the node with path and query as they came', async () => {
    const target = `${PATH}?a=%2e&b=/../c`;
    expect(await sendRaw([`GET ${target} HTTP/1.1`, 'connection: close'])).toContain('there');
    expect(asked.map(({ line }) => line)).toEqual([`GET ${target}`]);
  });

  it('go nowhere else, whatever host their target names', async () => {
    const elsewhere = `127.0.0.1:${strangerPort}`;
    for (const target of [`http://${elsewhere}${PATH}`, `//${elsewhere}${PATH}`, `/\\${elsewhere}${PATH}`]) {
      const answer = await sendRaw([`GET ${target} HTTP/1.1`, 'connection: close']);
      expect(answer).toMatch(/^HTTP\/1.1 400 [\s\S]*"VALIDATION_FAILED"/);
      const upgrade = await sendRaw([`GET ${target}/cdp HTTP/1.1`, ...UPGRADE]);
      expect(upgrade).toMatch(/^HTTP\/1.1 400 [\s\S]*"VALIDATION_FAILED"/);
    }
    expect([strangers, asked]).toEqual([0, []]);
  });

  it('are one request to the node whatever their bodies hold, and have none where none came', async () => {
    const smuggled = 'GET /internal/node HTTP/1.1\r\nhost: guise\r\n\r\n';
    const chunked = `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`;
    for (const method of ['GET', 'DELETE', 'POST']) {
      asked = [];
      const lines = [`${method} ${PATH} HTTP/1.1`, 'connection: close'];
      await sendRaw([...lines, 'transfer-encoding: chunked'], chunked);
      await sendRaw([...lines, `content-length: ${smuggled.length}`], smuggled);
      await sendRaw(lines);
      expect(asked.map(({ line, body }) => [line, body])).toEqual(
        [smuggled, smuggled, ''].map((body) => [`${method} ${PATH}`, body]),
      );
      const framings = asked.map(({ headers }) => [headers['transfer-encoding'], headers['content-length']]);
      expect(framings.slice(0, 2)).toEqual([
        ['chunked', undefined],
        [undefined, String(smuggled.length)],
      ]);
      expect(framings[2]?.[0]).toBeUndefined();
    }
  });
});

describe('what became of a request that is passed on', () => {
  it('is noted by the node that has answered it, and where none has by the one that was asked', async () => {
    await using stack = new AsyncDisposableStack();
    const other = createServer((_request, response) => response.end('there'));
    const url = `http://127.0.0.1:${await listen(other, stack)}`;
    const noted: (string | null)[] = [];
    const note = (problemCode: string | null): void => void noted.push(problemCode);
    const answered = await openNode({ nodeId: 'b', url }, stack, note);
    await text(await send(answered, PATH));
    expect(noted).toEqual([]);
    const closed = createServer();
    const closedPort = await listen(closed, stack);
    closed.close();
    const refused = await openNode({ nodeId: 'b', url: `http://127.0.0.1:${closedPort}` }, stack, note);
    expect(await text(await send(refused, PATH))).toContain('DEPENDENCY_UNAVAILABLE');
    expect(noted).toEqual(['DEPENDENCY_UNAVAILABLE']);
  });
});

describe('NodeClient', () => {
  it('sends to the node it was given, whatever it is asked for', async () => {
    await using stack = new AsyncDisposableStack();
    const heard: string[] = [];
    const other = createServer((request, response) => response.end(void heard.push(request.url ?? '')));
    const node = { nodeId: 'b', url: `http://127.0.0.1:${await listen(other, stack)}` };
    const client = stack.use(new NodeClient(new HopSignature(Buffer.alloc(32))));
    const wanted = { node, method: 'GET', path: '//127.0.0.1:1/x', headers: {}, hop: { from: 'a' } };
    const { signal } = new AbortController();
    (await client.send(wanted, signal)).resume();
    (await client.send({ ...wanted, path: 'http://127.0.0.1:1/x' }, signal)).resume();
    expect(heard).toEqual(['//127.0.0.1:1/x', 'http://127.0.0.1:1/x']);
  });
});
