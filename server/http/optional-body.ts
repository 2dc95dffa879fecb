import type { FastifyRequest } from 'fastify';

/** For routes whose body is optional: no body means one without members. A `preValidation` hook. */
export async function allowNoBody(request: FastifyRequest): Promise<void> {
  request.body ??= {};
}
