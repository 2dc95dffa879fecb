import type { IncomingMessage } from 'node:http';

import { AppError } from '../lib/app-error.ts';

/** The client's key of a WebSocket handshake (RFC 6455). @throws {AppError} UPGRADE_REQUIRED when it is none */
export function webSocketKey({ headers, method }: IncomingMessage): string {
  const key = headers['sec-websocket-key'];
  const isHandshake =
    method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket' && headers['sec-websocket-version'] === '13';
  if (!isHandshake || key === undefined || !/^[A-Za-z0-9+/]{22}==$/.test(key)) {
    throw new AppError('UPGRADE_REQUIRED', 'This address takes WebSocket connections of version 13');
  }
  return key;
}

/** @throws {AppError} UPGRADE_REQUIRED when the request is no WebSocket handshake */
export function checkHandshake(request: IncomingMessage): void {
  webSocketKey(request);
}
