import type { FastifyReply } from 'fastify';

/**
 * A signal that is aborted when the client goes away before it has its answer.
 *
 * Follows the response. Fastify's own `request.signal` follows the request's `close` event, which Node also emits once
 * a body has been read to its end.
 */
export function clientSignal({ raw: response }: FastifyReply): AbortSignal {
  const gone = new AbortController();
  // It may have gone while its key was looked up.
  if (response.destroyed && !response.writableEnded) gone.abort(new Error('The client went away'));
  response.once('close', () => {
    if (!response.writableEnded) gone.abort(new Error('The client went away'));
  });
  return gone.signal;
}
