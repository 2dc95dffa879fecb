import { randomUUID } from 'node:crypto';
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

import { AppError } from '../lib/app-error.ts';
import { endSocket } from '../lib/end-socket.ts';
import { toFailure, toProblemDocument } from '../lib/problem-document.ts';
import type { Logger } from '../platform/logger/logger.ts';

/** Answers an upgrade request with an HTTP problem, before any 101, and ends its connection. */
export function refuseUpgrade(
  { request, socket }: { readonly request: IncomingMessage; readonly socket: Duplex },
  error: unknown,
  logger: Logger,
): void {
  const id = randomUUID();
  if (error instanceof AppError) logger.info({ requestId: id, code: error.code }, 'upgrade refused');
  else logger.error({ requestId: id, err: error }, 'upgrade failed');
  const problem = toProblemDocument(toFailure(error), { path: request.url ?? '/', id });
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}`,
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    ...(problem.retryAfterSeconds === undefined ? [] : [`Retry-After: ${problem.retryAfterSeconds}`]),
    ...(problem.status === 401 ? ['WWW-Authenticate: Bearer'] : []),
  ];
  endSocket(socket, `${head.join('\r\n')}\r\n\r\n${body}`);
}
