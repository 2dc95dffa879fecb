import type { IncomingMessage } from 'node:http';

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

import { type Actor, type ActorClient, KEYLESS } from '../lib/actor.ts';
import type { AppError } from '../lib/app-error.ts';
import { secretOf } from './credentials.ts';

declare module 'fastify' {
  interface FastifyRequest {
    actor: Actor | null;
    /** Code of the problem it was answered with. */
    problemCode: string | null;
  }
}

/** What a request says of who makes it. */
interface RequestCredentials {
  readonly secret: string | undefined;
  readonly client: ActorClient;
  /** Whether another node has let it in already, and counted it. */
  readonly isPassedOn: boolean;
}

/** Who decides over requests, and notes what became of them. */
export interface RequestAccess {
  /** Whether a request has been passed on by another node. */
  isPassedOn(request: IncomingMessage): boolean;
  /** Whether it is decided who may do an operation. */
  knows(operationId: string): boolean;
  admit(
    operationId: string,
    credentials: RequestCredentials,
  ): Promise<{ readonly actor: Actor; readonly refusal: AppError | undefined }>;
  /** @throws {AppError} for what belongs to somebody else */
  checkOwnership(actor: Actor, names: unknown): Promise<void>;
  /** Has `onEnd` called when the key of an actor is none any more. */
  watch(actor: Actor, onEnd: () => void): Disposable;
  noteAnswer(answer: NotedAnswer): void;
}

/** An answered request, for the audit trail. */
interface NotedAnswer {
  readonly operationId: string;
  readonly actor: Actor;
  readonly status: number;
  readonly problemCode: string | null;
  /** Kind of resource in the plural, as in the address: `sessions`. */
  readonly resources: string | null;
  readonly resourceId: string | null;
  /** Names of the members of the body: what they hold may be secret. */
  readonly fields: readonly string[];
}

/** Where everybody may do everything. */
export const KEYLESS_ACCESS: RequestAccess = {
  isPassedOn: () => false,
  knows: () => true,
  admit: async (_operationId, { client }) => ({ actor: { ...KEYLESS, client }, refusal: undefined }),
  checkOwnership: async () => undefined,
  watch: () => ({ [Symbol.dispose]: () => undefined }),
  noteAnswer: () => undefined,
};

/** Who asks. @throws {Error} in a request that was never looked at, which is a mistake of ours */
export function actorOf({ actor }: FastifyRequest): Actor {
  if (actor === null) throw new Error('Nobody has looked at who makes this request');
  return actor;
}

/** The part of a route by which it is decided over. */
interface NamedRoute {
  readonly url?: string | undefined;
  readonly schema?: unknown;
}

/** Name of a route for those who decide over it. Routes of others' plugins have none. */
function operationOf({ schema }: NamedRoute): string {
  const { operationId } = (schema ?? {}) as { readonly operationId?: string };
  return operationId ?? '';
}

/** Pages for people, which a plugin serves. */
function isDocs({ url = '' }: NamedRoute): boolean {
  return /^\/docs(\/|$)/.test(url);
}

/**
 * Has every request looked at before its body is read, and what it names before its handler runs. To be called before routes are registered: one
 * over which nobody has decided is refused then, so that none can be forgotten.
 */
export function installAccess(app: FastifyInstance, access: RequestAccess): void {
  app.decorateRequest('actor', null);
  app.decorateRequest('problemCode', null);
  app.addHook('onRoute', (route) => {
    if (isDocs(route) || access.knows(operationOf(route))) return;
    throw new Error(`Nobody has decided who may use ${String(route.method)} ${route.url}`);
  });
  app.addHook('onRequest', async (request, reply) => {
    if (request.is404 || isDocs(request.routeOptions)) return;
    const { raw, ip, id, headers } = request;
    const client = { address: ip, userAgent: headers['user-agent'] ?? null, requestId: id };
    const credentials = { secret: secretOf(raw), client, isPassedOn: access.isPassedOn(raw) };
    const { actor, refusal } = await access.admit(operationOf(request.routeOptions), credentials);
    request.actor = actor;
    if (refusal !== undefined) throw refusal;
    // An answer that takes long, such as a stream of events, ends when the key does.
    const watching = access.watch(actor, () => raw.socket.destroy());
    if (reply.raw.destroyed) watching[Symbol.dispose]();
    else reply.raw.once('close', () => watching[Symbol.dispose]());
  });
  app.addHook('preHandler', async (request) => {
    if (request.actor !== null) await access.checkOwnership(request.actor, request.params);
  });
  app.addHook('onResponse', async (request, reply) => {
    if (request.actor !== null) access.noteAnswer(toNote(request, request.actor, reply));
  });
}

function toNote(request: FastifyRequest, actor: Actor, reply: FastifyReply): NotedAnswer {
  const { routeOptions, params, problemCode } = request;
  const [named] = Object.values((params ?? {}) as Readonly<Record<string, string>>);
  return {
    operationId: operationOf(routeOptions),
    actor,
    status: reply.statusCode,
    problemCode,
    resources: /^\/api\/(?<resources>[a-z]+)/.exec(routeOptions.url ?? '')?.groups?.['resources'] ?? null,
    resourceId: named ?? madeId(reply),
    fields: fieldsOf(request.body),
  };
}

/** Id of what was made, by where the answer says that it is. */
function madeId(reply: FastifyReply): string | null {
  const location = reply.getHeader('location');
  return typeof location === 'string' ? (location.split('/').at(-1) ?? null) : null;
}

function fieldsOf(body: unknown): string[] {
  const isObject = typeof body === 'object' && body !== null && Object.getPrototypeOf(body) === Object.prototype;
  return isObject ? Object.keys(body) : [];
}
