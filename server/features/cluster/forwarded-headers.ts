import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { TLSSocket } from 'node:tls';

import { withoutHop } from './hop-signature.ts';

/** Headers that are about one connection and not about what passes over it (RFC 9110, section 7.6.1). `expect` Node has answered already. */
const NOT_PASSED_ON = [
  'expect',
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/** Headers of an answer without those about the connection it came over. */
export function withoutConnection(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !NOT_PASSED_ON.includes(name)));
}

/**
 * The headers with which a request is passed on: the client's own, with the name it has asked for, and where it came from. `more` is
 * added.
 */
export function withForwarded(
  { headers, socket }: IncomingMessage,
  more: OutgoingHttpHeaders = {},
): OutgoingHttpHeaders {
  const before = headers['x-forwarded-for'];
  const address = socket.remoteAddress ?? '';
  return {
    ...withoutConnection(withoutHop(headers)),
    'x-forwarded-for': before === undefined ? address : `${String(before)}, ${address}`,
    'x-forwarded-proto': headers['x-forwarded-proto'] ?? (socket instanceof TLSSocket ? 'https' : 'http'),
    ...more,
  };
}

/** What says where the body of a request ends, beside the headers that are passed on as they are; undefined where it has no body. */
export function framingOf({ headers }: Pick<IncomingMessage, 'headers'>): OutgoingHttpHeaders | undefined {
  if (headers['transfer-encoding'] !== undefined) return { 'transfer-encoding': 'chunked' };
  return headers['content-length'] === undefined ? undefined : {};
}
