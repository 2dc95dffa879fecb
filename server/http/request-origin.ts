import type { IncomingMessage } from 'node:http';

import proxyAddress from '@fastify/proxy-addr';
import type { FastifyRequest } from 'fastify';

/** Where the client itself reaches this service over WebSocket, such as `ws://127.0.0.1:3000`. */
export function webSocketOrigin({ protocol, host }: Pick<FastifyRequest, 'protocol' | 'host'>): string {
  return `${protocol === 'https' ? 'wss' : 'ws'}://${host}`;
}

/**
 * The same of a request that is no longer one: a change of protocol. What a proxy says of it is believed of those in `trustedProxies`,
 * addresses and networks, comma-separated.
 */
export function upgradeOrigin(trustedProxies: string | undefined): (request: IncomingMessage) => string {
  const isTrusted = proxyAddress.compile(trustedProxies?.split(',').map((each) => each.trim()) ?? []);
  return ({ headers, socket }) => {
    const { host = 'localhost', 'x-forwarded-host': forwardedHost, 'x-forwarded-proto': forwardedProtocol } = headers;
    if (!isTrusted(socket.remoteAddress ?? '', 0)) return webSocketOrigin({ protocol: 'http', host });
    const last = (value: string | string[] | undefined): string | undefined =>
      value?.toString().split(',').at(-1)?.trim();
    const protocol = last(forwardedProtocol) === 'https' ? 'https' : 'http';
    return webSocketOrigin({ protocol, host: last(forwardedHost) ?? host });
  };
}
