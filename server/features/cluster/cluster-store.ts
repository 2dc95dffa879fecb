import type { Redis, RedisScript } from '../../platform/redis/index.ts';
import { BEAT, FIND_HOLDER, FORGET, LOOK, RELEASE, TAKE } from './cluster-scripts.ts';

/** A node that has not been heard of for this long may be gone. Milliseconds. */
export const STALE_MS = 6_000;
/** A create in line that has not asked for this long has been given up. Milliseconds. */
export const TICKET_MS = 5_000;
/** A place a node was given and does not know of after this long is free again. Milliseconds. */
const UNCLAIMED_MS = 10_000;

/** What a node says of itself with each beat. */
export interface NodeRecord {
  readonly nodeId: string;
  /** How often a node of this name has joined. */
  readonly epoch: number;
  /** Where other nodes reach it; null while it is starting. */
  readonly url: string | null;
  readonly version: string;
  /** Sessions it takes at most. */
  readonly limit: number;
  /** Creates that may wait for each node there is. */
  readonly queueLimit: number;
  /** Whether it takes new sessions now. */
  readonly isOpen: boolean;
  readonly isDraining: boolean;
}

/** A node as it was last heard of. */
export interface SeenNode extends NodeRecord {
  /** Places taken or promised. */
  readonly taken: number;
  /** Milliseconds since it was last heard of, when this was looked up. */
  readonly ageMs: number;
}

/** The cluster at one moment. */
export interface ClusterView {
  readonly nodes: readonly SeenNode[];
  /** Creates in line. */
  readonly waiting: number;
  /** For how long the server has known of a cluster: one that lost its data begins anew. Milliseconds. */
  readonly knownMs: number;
}

/** What came of asking for a place. */
export type Taking =
  | { readonly outcome: 'placed'; readonly nodeId: string }
  /** `position` 1 is served next. */
  | { readonly outcome: 'waiting'; readonly position: number }
  | { readonly outcome: 'full'; readonly length: number };

/** Who asks for a place. */
export interface TakeRequest {
  readonly sessionId: string;
  readonly priorityMs: number;
  /** The node that asks. */
  readonly self: string;
  /** Nodes not to be chosen. */
  readonly avoid: readonly string[];
}

/**
 * What the nodes of a cluster know of each other, in Redis: who is there, which places are taken, who waits.
 *
 * Places are the ids of sessions and not numbers, so that none is counted twice and each node can say which are right: with every beat
 * it does. All of it can be lost: the next beats bring it back. All methods throw {AppError} DEPENDENCY_UNAVAILABLE.
 */
export class ClusterStore {
  readonly #redis: Pick<Redis, 'run'>;
  readonly #keys: readonly string[];
  readonly #places: string;

  /** `prefix` begins every key; clusters that share a server differ in it. */
  constructor(redis: Pick<Redis, 'run'>, prefix = 'guise') {
    this.#redis = redis;
    // The braces keep the keys together where Redis itself is many.
    this.#keys = ['nodes', 'line', 'tickets', 'since'].map((name) => `{${prefix}}:${name}`);
    this.#places = `{${prefix}}:places:`;
  }

  /** Says that a node is there, and which sessions have places on it. */
  async beat(record: NodeRecord, held: readonly string[]): Promise<ClusterView> {
    return toView(await this.#run(BEAT, [record.nodeId, JSON.stringify(record), String(UNCLAIMED_MS), ...held]));
  }

  async look(): Promise<ClusterView> {
    return toView(await this.#run(LOOK, []));
  }

  /** Gives a session its place, on whichever node, or a place in line that it keeps by asking again. */
  async take({ sessionId, priorityMs, self, avoid }: TakeRequest): Promise<Taking> {
    const args = [sessionId, String(priorityMs), self, String(STALE_MS), String(TICKET_MS), ...avoid];
    const [outcome, value] = (await this.#run(TAKE, args)) as [Taking['outcome'], string | number];
    if (outcome === 'placed') return { outcome, nodeId: String(value) };
    return outcome === 'full' ? { outcome, length: Number(value) } : { outcome, position: Number(value) };
  }

  /** Gives up what a session has: its place on `nodeId`, and its place in line. */
  async release(sessionId: string, nodeId?: string): Promise<void> {
    await this.#run(RELEASE, [sessionId, nodeId ?? '']);
  }

  /** Forgets a node that is gone, unless one of its name has joined with a later epoch. */
  async forget(nodeId: string, epoch: number): Promise<void> {
    await this.#run(FORGET, [nodeId, String(epoch)]);
  }

  /** The node a session has its place on. */
  async findHolder(sessionId: string): Promise<string | undefined> {
    const holder = await this.#run(FIND_HOLDER, [sessionId]);
    return holder === '' ? undefined : String(holder);
  }

  async #run(script: RedisScript, args: readonly string[]): Promise<unknown> {
    return this.#redis.run(script, { keys: this.#keys, args: [this.#places, ...args] });
  }
}

function toView(text: unknown): ClusterView {
  const { nodes, waiting, knownMs } = JSON.parse(String(text)) as Omit<ClusterView, 'nodes'> & { nodes: object };
  // Lua has one kind of table: an empty one is written as an object.
  const seen = Array.isArray(nodes) ? (nodes as readonly SeenNode[]) : [];
  return { nodes: seen, waiting, knownMs };
}
