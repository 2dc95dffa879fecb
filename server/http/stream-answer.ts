import type { Writable } from 'node:stream';

import type { FastifyReply } from 'fastify';

import { clientSignal } from './client-signal.ts';

/**
 * Answers with server-sent events that `write` produces until it resolves or the client goes away.
 *
 * Once the answer has begun nothing can be refused any more: a failure ends the stream, and the client comes back.
 */
export async function answerWithStream(
  reply: FastifyReply,
  write: (out: Writable, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const signal = clientSignal(reply);
  reply.hijack();
  reply.raw.writeHead(200, {
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-store',
    // nginx would hold events back to fill its buffers.
    'X-Accel-Buffering': 'no',
  });
  try {
    await write(reply.raw, signal);
  } catch (error) {
    if (!signal.aborted) reply.log.warn({ err: error }, 'event stream broke off');
  } finally {
    reply.raw.end();
  }
}
