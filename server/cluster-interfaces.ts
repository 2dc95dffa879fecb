import { randomUUID } from 'node:crypto';

import type { Session } from '@guise/contract';
import type { FastifyInstance } from 'fastify';

import type { ClusterParts } from './build-cluster.ts';
import {
  type CallerElsewhere,
  forwardRequests,
  forwardUpgrade,
  internalRoutes,
  PlacedElsewhere,
  type ReachableNode,
} from './features/cluster/index.ts';
import { type RealtimeHandlers, realtimeHandlers } from './features/realtime/index.ts';
import type { PageCommands, SessionCommands } from './features/sessions/index.ts';
import { KEYLESS } from './lib/actor.ts';
import { AppError, isUnavailable } from './lib/app-error.ts';
import type { ForwardedKind } from './platform/metrics/cluster-metrics.ts';
import type { Upgrade, UpgradeRoute } from './websocket/index.ts';

/** A create whose node does not answer is tried on others, so often in all. */
const CREATE_ATTEMPTS = 3;
/** How long another node may take to end a session: what its profile keeps is saved first. Milliseconds. */
const END_TIMEOUT_MS = 60_000;
/** What nodes ask of each other only: to go on with a session that has its place there. */
const REVIVE = 'node.revive';
/** Methods that any node can do, or that are placed rather than passed on. */
const ANYWHERE: ReadonlySet<string> = new Set(['session.create', 'session.list', 'subscribe', 'unsubscribe', 'cancel']);

interface Commands {
  readonly sessions: SessionCommands;
  readonly pages: PageCommands;
}

/** What is told of, and asked for, beside what clients ask. */
interface Hooks {
  readonly onForwarded: (kind: ForwardedKind) => void;
  /** Goes on with a session that has its place here; see `SessionService.revive`. */
  readonly revive: (sessionId: string, fromNodeId: string) => Promise<void>;
}

interface RevivedSession {
  readonly sessionId: string;
  readonly fromNodeId: string;
}

/** What clients can ask of this node, and of others through it. */
export interface Interfaces {
  readonly commands: Commands;
  readonly handlers: RealtimeHandlers;
  /** To be called before routes are registered. */
  install(http: FastifyInstance): void;
  /** Addresses of sessions that speak WebSocket, with those of other nodes' sessions passed on. */
  upgradeRoutes(routes: readonly UpgradeRoute[]): UpgradeRoute[];
  /** What makes a session for who connects; one that has its place on another node is passed on there, under the id that `make` is given there. */
  placing<Context>(make: MakeForUpgrade<Context>): (upgrade: Upgrade, context: Context) => Promise<void>;
}

type MakeForUpgrade<Context> = (upgrade: Upgrade, context: Context, sessionId: string | undefined) => Promise<void>;

/** What clients can ask: of this node alone, or, in a cluster, of any through it. `commands`: what this node does itself. */
export function joinInterfaces(cluster: ClusterParts | undefined, commands: Commands, hooks: Hooks): Interfaces {
  if (cluster !== undefined) return new ClusterInterfaces(cluster, commands, hooks);
  return {
    commands,
    handlers: realtimeHandlers(commands),
    install: () => undefined,
    upgradeRoutes: (routes) => [...routes],
    placing: (make) => (upgrade, context) => make(upgrade, context, undefined),
  };
}

class ClusterInterfaces implements Interfaces {
  readonly #cluster: ClusterParts;
  readonly #own: Commands;
  readonly #onForwarded: Hooks['onForwarded'];
  readonly #revive: Hooks['revive'];

  constructor(cluster: ClusterParts, commands: Commands, { onForwarded, revive }: Hooks) {
    this.#cluster = cluster;
    this.#own = commands;
    this.#onForwarded = onForwarded;
    this.#revive = revive;
  }

  /** The commands, with creates that have their place on another node done there. */
  get commands(): Commands {
    const { sessions, pages } = this.#own;
    return { sessions: { ...sessions, create: (options, caller) => this.#create(options, caller) }, pages };
  }

  /** The methods of the real-time interface, with calls for sessions of other nodes done there. */
  get handlers(): RealtimeHandlers {
    const handlers = realtimeHandlers(this.commands);
    const forwarded = Object.entries(handlers).map(([method, handle]) => [
      method,
      ANYWHERE.has(method) ? handle : this.#forwarding(method, handle as AnyHandler),
    ]);
    return Object.fromEntries(forwarded) as RealtimeHandlers;
  }

  /** Has requests for sessions of other nodes passed on to them. */
  install(http: FastifyInstance): void {
    const { nodeId, signature, owners, client, membership } = this.#cluster;
    forwardRequests(http, { nodeId, signature, owners, client, onForwarded: this.#onForwarded });
    const own = realtimeHandlers(this.#own) as unknown as Readonly<Record<string, AnyHandler>>;
    internalRoutes(http, {
      signature,
      who: () => ({ nodeId, epoch: membership.epoch }),
      run: async ({ method, params }, caller) => {
        if (method === REVIVE) {
          const { sessionId, fromNodeId } = params as RevivedSession;
          return this.#revive(sessionId, fromNodeId);
        }
        const handle = Object.hasOwn(own, method) && method.startsWith('session.') ? own[method] : undefined;
        if (handle === undefined) throw new AppError('ROUTE_NOT_FOUND', 'There is no such method');
        return this.#refuseSecondHop(handle(params, caller));
      },
    });
  }

  upgradeRoutes(routes: readonly UpgradeRoute[]): UpgradeRoute[] {
    const { owners, signature, client, nodeId: from } = this.#cluster;
    return routes.map((route) => ({
      pattern: route.pattern,
      handle: async (upgrade, params) => {
        const { sessionId = '' } = params;
        const isPassedOn = signature.verify(upgrade.request) !== undefined;
        const node = isPassedOn ? undefined : await owners.findElsewhere(sessionId.toLowerCase());
        if (node === undefined) return route.handle(upgrade, params);
        this.#onForwarded('upgrade');
        return forwardUpgrade(upgrade, { node, hop: { from } }, client);
      },
    }));
  }

  placing<Context>(make: MakeForUpgrade<Context>): (upgrade: Upgrade, context: Context) => Promise<void> {
    const { signature, client, nodeId: from } = this.#cluster;
    return async (upgrade, context) => {
      const hop = signature.verify(upgrade.request);
      const making = make(upgrade, context, hop?.sessionId);
      if (hop !== undefined) return this.#refuseSecondHop(making);
      try {
        await making;
      } catch (error) {
        if (!(error instanceof PlacedElsewhere)) throw error;
        const { sessionId } = error;
        await this.#onPlaced(error, async (node) =>
          forwardUpgrade(upgrade, { node, hop: { from, sessionId } }, client),
        );
      }
    };
  }

  async #create(...[options, caller]: Parameters<SessionCommands['create']>): Promise<Session> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        // An id is taken for one that was counted where it was given: the client has asked once, however often we try. Not that of the attempt
        // before, which may still have its place on the node that does not answer.
        const again = attempt > 1 && { sessionId: randomUUID() };
        return await this.#own.sessions.create(options, { ...caller, ...again });
      } catch (error) {
        if (!(error instanceof PlacedElsewhere)) throw error;
        const { sessionId } = error;
        const { origin, actor } = caller;
        const call = { method: 'session.create', params: options, origin, actor, sessionId };
        const session = await this.#onPlaced(error, (node) =>
          this.#cluster.calls.call(node, call, caller.signal),
        ).catch((failure: unknown) => {
          if (caller.signal.aborted || attempt === CREATE_ATTEMPTS || !isUnavailable(failure)) throw failure;
          return undefined;
        });
        if (session !== undefined) return session as Session;
      }
    }
  }

  async #onPlaced<Value>(placed: PlacedElsewhere, run: (node: ReachableNode) => Promise<Value>): Promise<Value> {
    return onPlaced(this.#cluster, placed, async (node) => {
      this.#onForwarded('create');
      return run(node);
    });
  }

  #forwarding(method: string, handle: AnyHandler): AnyHandler {
    const { owners, calls } = this.#cluster;
    return async (params, caller) => {
      const { sessionId = '' } = params as { readonly sessionId?: string };
      const node = await owners.findElsewhere(sessionId.toLowerCase());
      if (node === undefined) return handle(params, caller);
      this.#onForwarded('call');
      const { origin, actor } = caller;
      return calls.call(node, { method, params, origin, actor }, caller.signal);
    };
  }

  /** What has been passed on once is not passed on again: where the place has gone meanwhile, the client tries again. */
  async #refuseSecondHop<Value>(doing: Promise<Value>): Promise<Value> {
    try {
      return await doing;
    } catch (error) {
      if (!(error instanceof PlacedElsewhere)) throw error;
      await this.#cluster.admission.giveUp(error.sessionId, error.nodeId);
      throw new AppError('DEPENDENCY_UNAVAILABLE', 'The place of this session has gone to another node', {
        cause: error,
      });
    }
  }
}

/** Does something on the node on which a session has its place; that is given up when the node does not answer. */
async function onPlaced<Value>(
  { registry, admission }: Pick<ClusterParts, 'registry' | 'admission'>,
  { nodeId, sessionId }: PlacedElsewhere,
  run: (node: ReachableNode) => Promise<Value>,
): Promise<Value> {
  try {
    const node = await registry.find(nodeId);
    if (node === undefined) throw new AppError('DEPENDENCY_UNAVAILABLE', 'The node with room for it has gone');
    return await run(node);
  } catch (error) {
    if (isUnavailable(error)) admission.avoid(nodeId);
    await admission.giveUp(sessionId, nodeId);
    throw error;
  }
}

type AnyHandler = (params: unknown, caller: Omit<CallerElsewhere, 'sessionId'>) => Promise<unknown>;

/** Ends a session that another node has; nothing happens where none has it. @throws {AppError} as that node does */
export async function endElsewhere({ owners, calls }: ClusterParts, sessionId: string): Promise<void> {
  const node = await owners.findElsewhere(sessionId);
  if (node === undefined) return;
  // Whose session it is was looked at here, and where the client reaches us says nothing: the answer is not read.
  const call = { method: 'session.end', params: { sessionId }, origin: 'ws://localhost', actor: KEYLESS };
  await calls.call(node, call, AbortSignal.timeout(END_TIMEOUT_MS));
}

/**
 * Has another node go on with a session, where `error` says that it has its place there; false where it says something else.
 *
 * @throws {AppError} as that node does
 */
export async function reviveElsewhere(
  cluster: ClusterParts,
  error: unknown,
  { sessionId, signal }: { readonly sessionId: string; readonly signal: AbortSignal },
): Promise<boolean> {
  if (!(error instanceof PlacedElsewhere)) return false;
  const params: RevivedSession = { sessionId, fromNodeId: cluster.nodeId };
  const call = { method: REVIVE, params, origin: 'ws://localhost', actor: KEYLESS, sessionId };
  await onPlaced(cluster, error, (node) => cluster.calls.call(node, call, signal));
  return true;
}
