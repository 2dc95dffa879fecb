import { isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

import { raceAbort, toError } from '../../lib/deadline.ts';
import { Semaphore } from '../../lib/semaphore.ts';
import { type DialPurpose, type EgressPolicy, findAddressRefusal, isOwnService } from './address-policy.ts';
import { connectAny, type Connection, type ConnectPlan } from './connect-any.ts';
import { ConnectionFailed, ConnectionRefused } from './egress-problem.ts';
import type { Destination, Upstream, UpstreamSource } from './egress-rules.ts';
import { isInternalName, isLocalhost } from './host-name.ts';
import { MOST_AT_ONCE } from './inflow.ts';
import type { NameResolver } from './name-resolver.ts';
import type { Patience } from './patience.ts';
import { Peer } from './peer.ts';
import { includesPort, type PortRange } from './port-ranges.ts';
import { connectByHttp, connectBySocks } from './upstream-handshake.ts';

const LOOPBACK = ['127.0.0.1', '::1'];

/** What a dialer is made of. */
export interface DialerDeps {
  readonly policy: EgressPolicy;
  /** The ports that may be connected to. */
  readonly ports: readonly PortRange[];
  readonly resolver: NameResolver;
  readonly patience: Pick<Patience, 'siteMs' | 'upstreamMs'>;
  /** Authorities that `https` proxies may be certified by, in place of those of the system; PEM. */
  readonly proxyAuthorities?: readonly string[] | undefined;
}

/** What somebody wants to be connected to. */
export interface DialRequest {
  readonly target: Destination;
  /** `http` requests go through an HTTP proxy as they are: it need not connect to anything. */
  readonly isPlainHttp: boolean;
  readonly upstreams: UpstreamSource | undefined;
  /** Whether the socket will be read by somebody else than its peer. */
  readonly isReleased?: boolean;
}

/** A connection on which a target, or a proxy that is to be asked for it, answers. */
export interface Route {
  readonly peer: Peer;
  readonly upstream: Upstream | undefined;
  /** Whether requests must name the whole URL, and carry the proxy's credentials. */
  readonly isAbsoluteForm: boolean;
}

interface Connecting extends Destination {
  readonly purpose: DialPurpose;
  readonly reading: ConnectPlan['reading'];
}

function isHttp({ protocol }: Upstream): boolean {
  return protocol === 'http' || protocol === 'https';
}

/** Whether it is the proxy's fault, so that another may do better. */
function isOfProxy({ reason }: ConnectionFailed): boolean {
  return reason === 'proxy_unreachable' || reason === 'proxy_auth' || reason === 'proxy_refused';
}

/** Makes connections: only to addresses that the operator's policy allows, and to exactly those that were checked. */
export class Dialer {
  readonly #deps: DialerDeps;
  readonly #places = new Semaphore(MOST_AT_ONCE);

  constructor(deps: DialerDeps) {
    this.#deps = deps;
  }

  /**
   * Connects to a target, or to the first upstream that can. The caller must end the connection.
   * @throws {ConnectionRefused} what may not be
   * @throws {ConnectionFailed} what cannot be
   * @throws the signal's reason
   */
  async dial(request: DialRequest, signal: AbortSignal): Promise<Route> {
    const { target, upstreams } = request;
    if (!includesPort(this.#deps.ports, target.port)) {
      throw new ConnectionRefused('port', `Port ${target.port} is not among those that may be reached`);
    }
    if (upstreams === undefined) {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(this.#deps.patience.siteMs)]);
      const connecting = this.#connect({ ...target, purpose: 'target', reading: 'inflow' }, limit);
      const { socket, inflow } = await connecting.catch((error: unknown) => {
        signal.throwIfAborted();
        throw error;
      });
      return { peer: new Peer(socket, inflow), upstream: undefined, isAbsoluteForm: false };
    }
    let failure: Error | undefined;
    for (const upstream of upstreams.choose()) {
      try {
        const route = await this.#dialThrough(upstream, request, signal);
        upstreams.report(upstream, 'connected');
        return route;
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof ConnectionFailed) || !isOfProxy(error)) throw error;
        upstreams.report(upstream, error.reason);
        failure = error;
      }
    }
    throw failure ?? new ConnectionFailed('proxy_unreachable', 'There is no upstream proxy to go through');
  }

  async #dialThrough(upstream: Upstream, request: DialRequest, signal: AbortSignal): Promise<Route> {
    const { target, isPlainHttp } = request;
    const limit = AbortSignal.any([signal, AbortSignal.timeout(this.#deps.patience.upstreamMs)]);
    const atProxy = await this.#toProxyTarget(upstream, target, limit);
    const { socket, inflow } = await this.#connectProxy(upstream, request, limit);
    const peer = new Peer(socket, inflow);
    const isAbsoluteForm = isPlainHttp && isHttp(upstream);
    if (isAbsoluteForm) return { peer, upstream, isAbsoluteForm };
    const giveUp = (): void => peer.abort();
    limit.addEventListener('abort', giveUp, { once: true });
    try {
      await (isHttp(upstream) ? connectByHttp : connectBySocks)(peer, upstream, atProxy);
      return { peer, upstream, isAbsoluteForm };
    } catch (error) {
      peer.abort();
      if (error instanceof ConnectionFailed) throw error;
      const why = limit.aborted ? 'The upstream proxy does not answer' : 'The upstream proxy broke the connection';
      throw new ConnectionFailed('proxy_unreachable', why, { cause: error });
    } finally {
      limit.removeEventListener('abort', giveUp);
    }
  }

  /** What a proxy is asked for: what it resolves itself must not be a name or address within its network. */
  async #toProxyTarget({ protocol }: Upstream, target: Destination, limit: AbortSignal): Promise<Destination> {
    if (protocol === 'socks5' || isIP(target.host) !== 0 || isLocalhost(target.host)) {
      const addresses = await this.#findAddresses(target, 'target', limit);
      const address = addresses.find((each) => isIP(each) === 4) ?? addresses[0] ?? target.host;
      return { host: address, port: target.port };
    }
    if (isInternalName(target.host)) {
      throw new ConnectionRefused('address', `${target.host} is a name that only a private network knows`);
    }
    return target;
  }

  async #connectProxy(
    { host, port, protocol }: Upstream,
    { isReleased }: DialRequest,
    limit: AbortSignal,
  ): Promise<Connection> {
    const isSecure = protocol === 'https';
    const reading = isSecure || isReleased === true ? 'stream' : 'inflow';
    try {
      const connection = await this.#connect({ host, port, purpose: 'proxy', reading }, limit);
      return isSecure ? await this.#secure(connection.socket, host, limit) : connection;
    } catch (error) {
      if (error instanceof ConnectionRefused) throw error;
      const why = limit.aborted ? 'does not answer' : `cannot be reached: ${toError(error).message}`;
      throw new ConnectionFailed('proxy_unreachable', `The upstream proxy ${why}`, { cause: error });
    }
  }

  async #secure(socket: Socket, host: string, limit: AbortSignal): Promise<Connection> {
    const done = Promise.withResolvers<void>();
    const { proxyAuthorities } = this.#deps;
    const name = isIP(host) === 0 ? { servername: host } : {};
    const ca = proxyAuthorities === undefined ? {} : { ca: [...proxyAuthorities] };
    const secure = connectTls({ socket, host, ...name, ...ca, ALPNProtocols: ['http/1.1'] }, () => done.resolve());
    const stop = (): void => done.reject(toError(limit.reason));
    secure.on('error', (error) => done.reject(error));
    limit.addEventListener('abort', stop, { once: true });
    try {
      await done.promise;
      return { socket: secure, inflow: undefined };
    } catch (error) {
      secure.destroy();
      throw error;
    } finally {
      limit.removeEventListener('abort', stop);
    }
  }

  async #connect(to: Connecting, limit: AbortSignal): Promise<Connection> {
    const addresses = await this.#findAddresses(to, to.purpose, limit);
    try {
      return await connectAny({ addresses, port: to.port, reading: to.reading, places: this.#places }, limit);
    } catch (error) {
      const why = limit.aborted ? 'does not answer' : `cannot be reached (${toError(error).message})`;
      throw new ConnectionFailed('unreachable', `${to.host} ${why}`, { cause: error });
    }
  }

  /** The addresses of a host that may be dialled; never none. */
  async #findAddresses(
    { host, port }: Destination,
    purpose: DialPurpose,
    limit: AbortSignal,
  ): Promise<readonly string[]> {
    const found = await this.#resolve(host, limit);
    const refusals: string[] = [];
    const allowed = found.filter((address) => {
      const what = findAddressRefusal(address, this.#deps.policy, purpose);
      if (what !== undefined)
        refusals.push(address === host ? `${address} is ${what}` : `${host} is at ${address}, which is ${what}`);
      return what === undefined;
    });
    if (allowed.length === 0) throw new ConnectionRefused('address', refusals.join('; '));
    const foreign = allowed.filter((address) => !isOwnService(address, port, this.#deps.policy));
    if (foreign.length === 0) throw new ConnectionRefused('port', `Port ${port} of ${host} is this service's own`);
    return foreign;
  }

  async #resolve(host: string, limit: AbortSignal): Promise<readonly string[]> {
    if (isIP(host) !== 0) return [host];
    if (isLocalhost(host)) return LOOPBACK;
    const found = await raceAbort(this.#deps.resolver.resolve(host, limit), limit).catch((error: unknown) => {
      throw new ConnectionFailed('name_not_resolved', `The name ${host} cannot be resolved`, { cause: error });
    });
    if (found.length > 0) return found;
    throw new ConnectionFailed('name_not_resolved', `The name ${host} has no address`);
  }
}
