import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { Proxy } from '@guise/contract';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';

import { buildProxies, type ProxyParts } from '../build-proxies.ts';
import { DEFAULT_PORTS, Egress, parseCidrList, parsePortRanges } from '../features/egress/index.ts';
import { proxyRoutes } from '../features/proxies/index.ts';
import { createHttpServer } from '../http/index.ts';
import type { Database } from '../platform/postgres/index.ts';
import type { RealProxy } from './real-proxy.ts';
import { openTestDatabase } from './test-database.ts';

/** An echo server on loopback, which says that it is asked from London. */
async function openEcho(
  stack: AsyncDisposableStack,
): Promise<{ url: string; answer: { status: number; body: string } }> {
  const answer = { status: 200, body: '81.2.69.142\n' };
  const server: Server = createServer((_, response) => response.writeHead(answer.status).end(answer.body));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stack.defer(() => new Promise<void>((resolve) => void server.close(() => resolve())));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, answer };
}

/** Proxies as the service has them, with a real way out, and an echo server that answers what the test says. */
export interface ProxyRig {
  readonly db: Database;
  readonly parts: ProxyParts;
  readonly answer: { status: number; body: string };
  readonly log: () => string;
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the caller knows what the route answers
  readonly call: <Body>(
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    url: string,
    body?: object,
  ) => Promise<{ status: number; body: Body }>;
  readonly add: (body: object) => Promise<Proxy>;
}

/** `stack` undoes all of it. */
export async function openProxyRig(stack: AsyncDisposableStack): Promise<ProxyRig> {
  const lines: string[] = [];
  const logger = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) });
  const db = await openTestDatabase(stack);
  const { url, answer } = await openEcho(stack);

  const policy = { allow: parseCidrList('127.0.0.0/8'), deny: [], proxyAllow: [] };
  const egress = stack.use(new Egress({ policy, ports: parsePortRanges(DEFAULT_PORTS), logger }));
  const settings = {
    profileEncryptionKey: undefined,
    egressEchoUrl: url,
    proxyCheckIntervalMs: 60_000,
    geoDatabasePath: undefined,
  };
  const parts = await buildProxies(settings, { db, dial: (...to) => egress.dial(...to) }, logger);
  const http: FastifyInstance = await createHttpServer({
    logger,
    version: '0',
    refusesForeignOrigins: true,
    onAnswered: () => undefined,
  });
  stack.defer(() => http.close());
  await http.register(proxyRoutes(parts.commands), { prefix: '/api' });
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- see above
  const call = async <Body>(
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    path: string,
    body?: object,
  ): Promise<{ status: number; body: Body }> => {
    const reply = await http.inject({ method, url: `/api/proxies${path}`, ...(body === undefined ? {} : { body }) });
    return { status: reply.statusCode, body: (reply.body === '' ? undefined : reply.json()) as Body };
  };
  const add = async (body: object): Promise<Proxy> => {
    const reply = await call<Proxy>('POST', '', body);
    if (reply.status !== 201) throw new Error(`A proxy was refused: ${JSON.stringify(reply.body)}`);
    return reply.body;
  };
  return { db, parts, answer, log: () => lines.join(''), call, add };
}

/** The URL of a proxy that runs here. */
export const urlOf = (protocol: string, { port }: RealProxy, credentials = ''): string =>
  `${protocol}://${credentials}127.0.0.1:${port}`;
