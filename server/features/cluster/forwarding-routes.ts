import { pipeline } from 'node:stream/promises';

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

import { clientSignal } from '../../http/index.ts';
import type { Hop, HopSignature } from './hop-signature.ts';
import { withForwarded, withoutConnection } from './forwarded-headers.ts';
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
  readonly owners: Pick<SessionOwners, 'findElsewhere'>;
  readonly client: NodeClient;
  readonly onForwarded: (kind: 'http') => void;
}

/** Who does a call for another node. */
export interface CallerElsewhere {
  readonly origin: string;
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
    const node = await deps.owners.findElsewhere(sessionId.toLowerCase());
    if (node === undefined) return;
    deps.onForwarded('http');
    return forward({ request, reply, node }, deps);
  });
}

async function forward(
  { request, reply, node }: { request: FastifyRequest; reply: FastifyReply; node: ReachableNode },
  { client, nodeId }: ForwardingDeps,
): Promise<FastifyReply> {
  const { raw, method, url: path, id } = request;
  const hop = { from: nodeId };
  const headers = withForwarded(raw, { 'x-request-id': id });
  const answer = await client.send({ node, hop, method, path, headers, body: raw }, clientSignal(reply));
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
  const hopOf = (request: FastifyRequest): Hop | undefined => signature.verify(request.raw);
  app.get(WHO_PATH, { schema: { hide: true } }, async (request, reply) =>
    hopOf(request) === undefined ? notFound(reply) : who(),
  );
  app.post(CALLS_PATH, { schema: { hide: true }, bodyLimit: MAX_CALL_BYTES }, async (request, reply) => {
    const hop = hopOf(request);
    if (hop === undefined) return notFound(reply);
    const { method, params, origin } = request.body as RemoteCall;
    const result = await run({ method, params }, { origin, signal: clientSignal(reply), sessionId: hop.sessionId });
    return { result: result ?? null };
  });
}

function notFound(reply: FastifyReply): FastifyReply {
  reply.callNotFound();
  return reply;
}
