import type { FastifyRequest } from 'fastify';

/** Where the client itself reaches this service over WebSocket, such as `ws://127.0.0.1:3000`. */
export function webSocketOrigin({ protocol, host }: Pick<FastifyRequest, 'protocol' | 'host'>): string {
  return `${protocol === 'https' ? 'wss' : 'ws'}://${host}`;
}
