import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';

import { type Problem, type ProblemCode, PROBLEMS } from '@guise/contract';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

import { AppError } from '../lib/app-error.ts';
import { endSocket } from '../lib/end-socket.ts';
import { type Failure, toFailure, toProblemDocument } from '../lib/problem-document.ts';
import { toFieldProblems } from './validation.ts';

/** Refusals of Fastify's own, by its error codes. */
const FASTIFY_REFUSALS: Readonly<Record<string, ProblemCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'PAYLOAD_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'UNSUPPORTED_MEDIA_TYPE',
  FST_ERR_CTP_INVALID_JSON_BODY: 'MALFORMED_JSON',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'MALFORMED_JSON',
};

/**
 * As much of a body that is not taken is read all the same: who still writes it reads no answer, and a gateway that is cut off while it
 * writes can only say that no node answers. Bytes.
 */
const MOST_DISCARDED_BYTES = 16 * 1024 ** 2;

/** Makes every failure leave the server as `application/problem+json` (RFC 9457). */
export function installProblemHandler(app: FastifyInstance): void {
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0] ?? '/';
    return sendProblem(request, reply, { code: 'ROUTE_NOT_FOUND', detail: `${request.method} ${path} does not exist` });
  });
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') discardBody(request, reply);
    return sendProblem(request, reply, classify(error, request));
  });
}

/** In place of Fastify's closing the connection in the middle of the body. */
function discardBody({ raw }: FastifyRequest, reply: FastifyReply): void {
  if (Number(raw.headers['content-length'] ?? Infinity) > MOST_DISCARDED_BYTES) return;
  reply.header('connection', 'keep-alive');
  raw.resume();
}

function classify(error: FastifyError, request: FastifyRequest): Failure {
  if (error instanceof AppError) {
    const { code, details } = error;
    const fields = { err: error, code, details };
    // What is our fault, or that of something we need, is for somebody to look at.
    if (PROBLEMS[code].status >= 500) request.log.warn(fields, 'request failed');
    else request.log.info({ code, details }, 'request refused');
    return toFailure(error);
  }
  if (error.validation !== undefined) {
    const errors = toFieldProblems(error.validation);
    const detail = errors
      .map(({ path, message }) => `${path === '' ? (error.validationContext ?? 'request') : path} ${message}`)
      .join('; ');
    return { code: 'VALIDATION_FAILED', detail, extensions: { errors } };
  }
  // The JSON parser's own errors carry a status and no code.
  if (error instanceof SyntaxError && error.statusCode === 400)
    return { code: 'MALFORMED_JSON', detail: error.message };
  if (error.statusCode !== undefined && error.statusCode < 500) {
    return { code: FASTIFY_REFUSALS[error.code] ?? 'VALIDATION_FAILED', detail: error.message };
  }
  // Who has gone does not read the answer, and what broke off because of it is no failure of ours.
  if (request.raw.socket.destroyed) request.log.debug({ err: error }, 'client went away');
  else request.log.error({ err: error }, 'unhandled error');
  return toFailure(error);
}

/** Answers a request with a problem document. */
export function sendProblem(request: FastifyRequest, reply: FastifyReply, failure: Failure): FastifyReply {
  const problem: Problem = toProblemDocument(failure, { path: request.url, id: request.id });
  request.problemCode = problem.code;
  if (problem.retryAfterSeconds !== undefined) reply.header('retry-after', problem.retryAfterSeconds);
  if (problem.status === 503) reply.header('retry-after', problem.retryAfterSeconds ?? 1);
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer');
  // Serialised here: the schemas of the responses know the members of a problem, not its media type.
  return reply
    .code(problem.status)
    .header('content-type', 'application/problem+json; charset=utf-8')
    .serializer(JSON.stringify)
    .send(problem);
}

/** Answers what is no HTTP at all. */
export function refuseMalformedRequest(_error: Error, socket: Socket): void {
  if (!socket.writable) return;
  const failure = { code: 'VALIDATION_FAILED' as const, detail: 'This is not a valid HTTP request' };
  const body = JSON.stringify(toProblemDocument(failure, { path: '/', id: randomUUID() }));
  endSocket(
    socket,
    `HTTP/1.1 ${PROBLEMS.VALIDATION_FAILED.status} Bad Request\r\nContent-Type: application/problem+json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
