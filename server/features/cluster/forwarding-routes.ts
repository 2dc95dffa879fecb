import { pipeline } from 'node:stream/promises';

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

import { clientSignal } from '../../http/index.ts';
import type { Actor } from '../../lib/actor.ts';
import { AppError } from '../../lib/app-error.ts';
import type { HopSignature } from './hop-signature.ts';
import { framingOf, withForwarded, withoutConnection } from './forwarded-headers.ts';
import type { NodeClient } from './node-client.ts';
import type { ReachableNode } from './node-registry.ts';
import { CALLS_PATH, type RemoteCall } from './remote-calls.ts';
import type { SessionOwners } from './session-owners.ts';

/** Answers of other nodes are at most what a message of the real-time interface may be. */
const MAX_CALL_BYTES = 64 * 1024 ** 2;
/** Where a node says who it is. */
export const WHO_PATH = '/internal/node';

interface ForwardingDeps {
  readonly nodeId: string;
  readonly signature: HopSignature;
  readonly owners: Pick<SessionOwners, 'findElsewhere' | 'hasNone'>;
  readonly client: NodeClient;
  readonly onForwarded: (kind: 'http') => void;
}

/** Who does a call for another node. */
export interface CallerElsewhere {
  readonly origin: string;
  readonly actor: Actor;
  readonly signal: AbortSignal;
  readonly sessionId: string | undefined;
}

interface InternalDeps {
  readonly signature: HopSignature;
  readonly who: () => { readonly nodeId: string; readonly epoch: number };
  readonly run: (call: Pick<RemoteCall, 'method' | 'params'>, caller: CallerElsewhere) => Promise<unknown>;
}

/**
 * Passes requests for sessions of other nodes on to them, before their bodies are read: every route with a `sessionId` in its path, both
 * ways as fast as the slower side takes it. What has come from a node goes no further.
 *
 * To be called before routes are registered.
 */
export function forwardRequests(app: FastifyInstance, deps: ForwardingDeps): void {
  app.addHook('onRequest', async (request, reply) => {
    const { sessionId } = request.params as { sessionId?: unknown };
    if (typeof sessionId !== 'string' || deps.signature.verify(request.raw) !== undefined) return;
    const id = sessionId.toLowerCase();
    const node = await deps.owners.findElsewhere(id);
    if (node === undefined) return;
    deps.onForwarded('http');
    try {
      return await forward({ request, reply, node }, deps);
    } catch (error) {
      // It may have ended with its node, and is ours to answer for then, unless what was asked has gone to that node already.
      const isWhole = framingOf(request.raw) === undefined;
      if (isWhole && (await deps.owners.hasNone(id))) return;
      throw error;
    }
  });
}

async function forward(
  { request, reply, node }: { request: FastifyRequest; reply: FastifyReply; node: ReachableNode },
  { client, nodeId }: ForwardingDeps,
): Promise<FastifyReply> {
  const { raw, method, url: path, id } = request;
  const hop = { from: nodeId };
  const framing = framingOf(raw);
  // Of a GET or DELETE Node does not say by itself that a body follows: the node would read that as the next request, of whoever's.
  const headers = withForwarded(raw, { 'x-request-id': id, ...framing });
  const body = framing === undefined ? undefined : raw;
  const answer = await client.send({ node, hop, method, path, headers, body }, clientSignal(reply));
  // It is the node that has the session that notes what became of the request; of one that it did not answer we do.
  request.actor = null;
  reply.hijack();
  reply.raw.writeHead(answer.statusCode ?? 502, withoutConnection(answer.headers));
  try {
    await pipeline(answer, reply.raw);
  } catch (error) {
    // Nothing can be refused any more: the client sees that its answer broke off.
    request.log.debug({ err: error }, 'forwarded answer broke off');
  }
  return reply;
}

/** Routes for the other nodes: who this one is, and calls it does for them. To clients they do not exist. */
export function internalRoutes(app: FastifyInstance, { signature, who, run }: InternalDeps): void {
  app.register(async (internal) => {
    internal.addHook('onRequest', async ({ raw }, reply) => {
      if (signature.verify(raw) === undefined) return notFound(reply);
      return undefined;
    });
    internal.removeContentTypeParser('application/json');
    internal.addContentTypeParser(
      'application/json',
      { parseAs: 'string' },
      async ({ raw }: FastifyRequest, body: string) => {
        if (!signature.covers(raw, body)) throw new AppError('ROUTE_NOT_FOUND', 'This is not what the node has signed');
        return JSON.parse(body) as unknown;
      },
    );
    internal.get(WHO_PATH, { schema: { hide: true, operationId: 'getNode' } }, async () => who());
    const schema = { hide: true, operationId: 'callNode' };
    internal.post(CALLS_PATH, { schema, bodyLimit: MAX_CALL_BYTES }, async ({ raw, body }, reply) => {
      const { method, params, origin, actor } = body as RemoteCall;
      const sessionId = signature.verify(raw)?.sessionId;
      const result = await run({ method, params }, { origin, actor, signal: clientSignal(reply), sessionId });
      return { result: result ?? null };
    });
  });
}

function notFound(reply: FastifyReply): FastifyReply {
  reply.callNotFound();
  return reply;
}
