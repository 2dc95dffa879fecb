import type { IncomingMessage } from 'node:http';

import proxyAddress from '@fastify/proxy-addr';
import type { FastifyRequest } from 'fastify';

/** Where the client itself reaches this service over WebSocket, such as `ws://127.0.0.1:3000`. */
export function webSocketOrigin({ protocol, host }: Pick<FastifyRequest, 'protocol' | 'host'>): string {
  return `${protocol === 'https' ? 'wss' : 'ws'}://${host}`;
}

/**
 * The same of a request that is no longer one: a change of protocol. What a proxy says of it is believed of those in `trustedProxies`,
 * addresses, networks and names of such.
 */
export function upgradeOrigin(trustedProxies: readonly string[]): (request: IncomingMessage) => string {
  const isTrusted = proxyAddress.compile([...trustedProxies]);
  return ({ headers, socket }) => {
    const { host = 'localhost', 'x-forwarded-host': forwardedHost, 'x-forwarded-proto': forwardedProtocol } = headers;
    if (!isTrusted(socket.remoteAddress ?? '', 0)) return webSocketOrigin({ protocol: 'http', host });
    const last = (value: string | string[] | undefined): string | undefined =>
      value?.toString().split(',').at(-1)?.trim();
    const protocol = last(forwardedProtocol) === 'https' ? 'https' : 'http';
    return webSocketOrigin({ protocol, host: last(forwardedHost) ?? host });
  };
}

/** Where the client of a request to change protocol is; what proxies say of it is believed as in `upgradeOrigin`. */
export function upgradeAddress(trustedProxies: readonly string[]): (request: IncomingMessage) => string | null {
  const isTrusted = proxyAddress.compile([...trustedProxies]);
  // A connection that is closing has no address any more.
  return (request) => (request.socket.remoteAddress === undefined ? null : proxyAddress(request, isTrusted));
}
