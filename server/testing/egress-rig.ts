import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

import {
  Egress,
  type EgressDeps,
  type EgressFailure,
  type EgressProxy,
  type EgressRefusal,
  type EgressRules,
} from '../features/egress/index.ts';
import { parseCidrList, parsePortRanges } from '../features/egress/index.ts';
import { silentLogger } from '../platform/logger/logger.ts';

/** Rules that forbid nothing. */
const FREE_RULES: EgressRules = {
  upstreams: undefined,
  allowedDomains: undefined,
  blockedDomains: [],
  findBlocked: undefined,
  trafficLimitBytes: null,
};

/** A proxy as a browser has it, with what its listener was told. */
export interface EgressRig extends AsyncDisposable {
  readonly egress: Egress;
  readonly proxy: EgressProxy;
  readonly refusals: EgressRefusal[];
  readonly failures: EgressFailure[];
  configure(rules?: Partial<EgressRules>): void;
}

/** Opens a proxy that may reach loopback and waits to be configured. The caller must dispose it. */
export async function openEgressRig(deps: Partial<EgressDeps> = {}): Promise<EgressRig> {
  const policy = { allow: parseCidrList('127.0.0.0/8'), deny: [], proxyAllow: [] };
  const egress = new Egress({ policy, ports: parsePortRanges('1-65535'), logger: silentLogger, ...deps });
  const proxy = await egress.open();
  const refusals: EgressRefusal[] = [];
  const failures: EgressFailure[] = [];
  const listener = {
    refused: (refusal: EgressRefusal) => void refusals.push(refusal),
    failed: (failure: EgressFailure) => void failures.push(failure),
  };
  return {
    egress,
    proxy,
    refusals,
    failures,
    configure: (rules = {}) => proxy.configure({ ...FREE_RULES, ...rules }, listener),
    [Symbol.asyncDispose]: () => egress[Symbol.asyncDispose](),
  };
}

/** A server on loopback with all its connections. */
export interface TestServer extends AsyncDisposable {
  readonly port: number;
  readonly sockets: ReadonlySet<Socket>;
}

/** Has a server listen on a free port of loopback. The caller must dispose it, which breaks its connections. */
export async function listenOnLoopback(server: Server): Promise<TestServer> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** A server that has `serve` deal with each connection. */
export async function openRawServer(serve: (socket: Socket) => void): Promise<TestServer> {
  return listenOnLoopback(createServer({ allowHalfOpen: true, noDelay: true }, serve));
}

/** One connection whose bytes are kept as they come. */
export interface RawClient extends Disposable {
  readonly socket: Socket;
  /** All that came so far, byte by byte. */
  readonly received: () => string;
  /** How the other side ended it; undefined while it has not. */
  readonly end: () => 'ended' | 'broken' | undefined;
}

/** Connects to a port of loopback, and sends. */
export function openRawClient(port: number, text: string): RawClient {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  const chunks: Buffer[] = [];
  let end: 'ended' | 'broken' | undefined;
  socket.on('data', (chunk: Buffer) => void chunks.push(chunk));
  socket.once('end', () => (end = 'ended'));
  socket.once('error', () => (end = 'broken'));
  socket.write(text, 'latin1');
  return {
    socket,
    received: () => Buffer.concat(chunks).toString('latin1'),
    end: () => end,
    [Symbol.dispose]: () => void socket.destroy(),
  };
}
