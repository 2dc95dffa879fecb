import { randomInt } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';

import type { SessionTraffic } from '@guise/contract';

import { AppError } from '../../lib/app-error.ts';
import type { Logger } from '../../platform/logger/logger.ts';
import type { EgressPolicy } from './address-policy.ts';
import { Dialer } from './dialer.ts';
import { EgressProxy } from './egress-proxy.ts';
import type { Destination, Upstream, UpstreamSource } from './egress-rules.ts';
import type { NameResolver } from './name-resolver.ts';
import { PATIENCE, type Patience } from './patience.ts';
import type { PortRange } from './port-ranges.ts';
import { SystemResolver } from './system-resolver.ts';

/** Ports of the proxies: below those that Linux gives to outgoing connections, so that one can be had again after a restart. */
const FIRST_PORT = 28_000;
const PORT_COUNT = 1_000;

/** What egress is made of. */
export interface EgressDeps {
  readonly policy: EgressPolicy;
  /** The ports that sessions may connect to. */
  readonly ports: readonly PortRange[];
  /** Default: as the system resolves. */
  readonly resolver?: NameResolver | undefined;
  /** Authorities that `https` upstream proxies may be certified by, in place of those of the system; PEM. */
  readonly proxyAuthorities?: readonly string[] | undefined;
  /** Default: as long as a browser waits. */
  readonly patience?: Patience | undefined;
  readonly logger: Logger;
}

function sum(one: SessionTraffic, other: SessionTraffic): SessionTraffic {
  return {
    receivedBytes: one.receivedBytes + other.receivedBytes,
    sentBytes: one.sentBytes + other.sentBytes,
    connections: one.connections + other.connections,
    refusals: one.refusals + other.refusals,
  };
}

function isPortTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
}

async function listen(port: number): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  const outcome = Promise.withResolvers<void>();
  server.once('error', outcome.reject);
  server.listen({ port, host: '127.0.0.1', exclusive: true }, outcome.resolve);
  await outcome.promise;
  server.off('error', outcome.reject);
  return server;
}

/** Gives each browser of this node a forward proxy of its own, the only way out that it has. */
export class Egress implements AsyncDisposable {
  readonly #dialer: Dialer;
  readonly #patience: Patience;
  readonly #logger: Logger;
  readonly #proxies = new Map<number, EgressProxy>();
  /** Of the proxies that are closed. */
  #past: SessionTraffic = { receivedBytes: 0, sentBytes: 0, connections: 0, refusals: 0 };
  // Another service on this machine is likely to begin elsewhere.
  #next = randomInt(PORT_COUNT);

  constructor({ logger, patience = PATIENCE, resolver = new SystemResolver(), ...deps }: EgressDeps) {
    this.#patience = patience;
    this.#dialer = new Dialer({ ...deps, patience, resolver });
    this.#logger = logger;
  }

  /**
   * A proxy on loopback that holds all connections until it is configured. The caller must dispose it.
   * @param preferredPort exactly this one
   * @throws {RangeError} when that is no port of egress
   * @throws {AppError} BROWSER_LAUNCH_FAILED when it, or every one, is taken
   */
  async open(preferredPort?: number): Promise<EgressProxy> {
    const server = preferredPort === undefined ? await this.#listenAnywhere() : await listenExactly(preferredPort);
    server.on('error', (err) => this.#logger.warn({ err }, 'egress proxy cannot accept'));
    const proxy = new EgressProxy(server, { dialer: this.#dialer, patience: this.#patience }, () =>
      this.#forget(proxy),
    );
    this.#proxies.set(proxy.port, proxy);
    return proxy;
  }

  #forget(proxy: EgressProxy): void {
    this.#proxies.delete(proxy.port);
    this.#past = sum(this.#past, proxy.traffic);
  }

  /** What all its proxies have moved. */
  get totals(): SessionTraffic {
    return [...this.#proxies.values()].reduce((total, { traffic }) => sum(total, traffic), this.#past);
  }

  /** The proxy that listens there. */
  at(port: number): EgressProxy | undefined {
    return this.#proxies.get(port);
  }

  /**
   * Connects through one upstream proxy on behalf of the service itself, under the policy of the node. The caller must destroy the socket.
   * @throws {ConnectionRefused} what may not be
   * @throws {ConnectionFailed} what cannot be
   * @throws the signal's reason
   */
  async dial(upstream: Upstream, target: Destination, signal: AbortSignal): Promise<Socket> {
    const upstreams: UpstreamSource = { choose: () => [upstream], report: () => undefined };
    const request = { target, isPlainHttp: false, upstreams, isReleased: true };
    const { peer } = await this.#dialer.dial(request, signal);
    return peer.release();
  }

  /** Disposes all proxies that are left. Safe to call twice. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#proxies.values()].map((proxy) => proxy[Symbol.asyncDispose]()));
  }

  async #listenAnywhere(): Promise<Server> {
    for (let tries = 0; tries < PORT_COUNT; tries += 1) {
      const port = FIRST_PORT + this.#next;
      this.#next = (this.#next + 1) % PORT_COUNT;
      if (this.#proxies.has(port)) continue;
      try {
        return await listen(port);
      } catch (error) {
        if (!isPortTaken(error)) throw error;
      }
    }
    const last = FIRST_PORT + PORT_COUNT - 1;
    throw new AppError(
      'BROWSER_LAUNCH_FAILED',
      `No port from ${FIRST_PORT} to ${last} is free for the egress of a browser`,
    );
  }
}

async function listenExactly(port: number): Promise<Server> {
  if (!Number.isInteger(port) || port < FIRST_PORT || port >= FIRST_PORT + PORT_COUNT) {
    throw new RangeError(`Port ${port} is no port of egress`);
  }
  try {
    return await listen(port);
  } catch (error) {
    if (!isPortTaken(error)) throw error;
    throw new AppError('BROWSER_LAUNCH_FAILED', `Port ${port} is taken`, { cause: error });
  }
}
