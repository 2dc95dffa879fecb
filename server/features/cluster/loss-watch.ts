import type { Logger } from '../../platform/logger/logger.ts';
import type { ClusterRepository } from './cluster-repository.ts';
import type { ClusterStore } from './cluster-store.ts';
import type { Membership } from './membership.ts';
import type { NodeClient } from './node-client.ts';
import type { NodeRegistry } from './node-registry.ts';

/** How often the rows are searched for owners that nobody has heard of. Milliseconds. */
const SEARCH_INTERVAL_MS = 5_000;

/** A node that may be gone. */
export interface LossSuspect {
  readonly nodeId: string;
  /** Null where none of its name has ever joined. */
  readonly epoch: number | null;
  /** Where it was reached; null where nobody knows. */
  readonly url: string | null;
}

interface LossWatchDeps {
  readonly nodeId: string;
  readonly membership: Pick<Membership, 'isSuperseded'>;
  readonly registry: Pick<NodeRegistry, 'isSteady' | 'listStale' | 'look' | 'view' | 'urlOf'>;
  readonly repository: Pick<
    ClusterRepository,
    'declareLost' | 'declareUnknownLost' | 'findStanding' | 'listOwners' | 'listLeftSessions'
  >;
  readonly store: Pick<ClusterStore, 'forget'>;
  readonly client: Pick<NodeClient, 'busyWith' | 'breakOff'>;
  /** Whether the node at this address is the suspect, and says so. Never rejects. */
  readonly isAlive: (suspect: LossSuspect, signal: AbortSignal) => Promise<boolean>;
  /** Closes the rows of a lost node's sessions, and frees what they held. */
  readonly closeSessions: (nodeId: string, ids: readonly string[]) => Promise<void>;
  readonly logger: Logger;
  /** Milliseconds that only grow. */
  readonly now?: () => number;
}

/**
 * Finds nodes that are gone and closes what they have left.
 *
 * A node is gone when three things are so: it has not been heard of for 6 s, Redis has answered this node without a break for 8 s (so that all
 * who are there have been heard), and it does not answer at its address. It is then declared lost in the database, which one of all
 * who try succeeds in; that one forgets its places and closes its sessions, or goes on with them. Who finds it declared, or gone by itself, and
 * known in Redis still does the same: whoever was first may have gone before it was done, and whatever is done is done once.
 */
export class LossWatch {
  readonly #deps: LossWatchDeps;
  readonly #now: () => number;
  #searchedAt: number;
  #lostCount = 0;

  constructor(deps: LossWatchDeps) {
    this.#deps = deps;
    this.#now = deps.now ?? ((): number => performance.now());
    this.#searchedAt = this.#now();
  }

  /** Nodes this one has declared lost. */
  get lostCount(): number {
    return this.#lostCount;
  }

  /** One look at the others. */
  async check(signal: AbortSignal): Promise<void> {
    const { membership, registry } = this.#deps;
    this.#breakOffWithGone();
    if (membership.isSuperseded || !registry.isSteady) return;
    for (const suspect of await this.#findStale()) await this.#decide(suspect, signal);
    for (const suspect of await this.#searchRows()) await this.#decide(suspect, signal);
  }

  async #findStale(): Promise<LossSuspect[]> {
    const { registry, nodeId: self } = this.#deps;
    const others = (): LossSuspect[] => registry.listStale().filter(({ nodeId }) => nodeId !== self);
    if (others().length === 0) return [];
    // By now they may have been heard.
    await registry.look();
    return others();
  }

  /** Owners of live sessions that are not known in Redis at all: gone while it was away, or before it lost what it knew. */
  async #searchRows(): Promise<LossSuspect[]> {
    const { registry, repository, nodeId: self } = this.#deps;
    if (this.#now() - this.#searchedAt < SEARCH_INTERVAL_MS) return [];
    this.#searchedAt = this.#now();
    const owners = await repository.listOwners();
    const unknown = (): LossSuspect[] => {
      const known = new Set(registry.view.nodes.map(({ nodeId }) => nodeId));
      return owners
        .filter(({ nodeId }) => nodeId !== self && !known.has(nodeId))
        .map((owner) => ({ ...owner, url: registry.urlOf(owner.nodeId) ?? null }));
    };
    if (unknown().length === 0) return [];
    // The rows are newer than what was heard: one that has just joined may have sessions already.
    await registry.look();
    return unknown();
  }

  async #decide(suspect: LossSuspect, signal: AbortSignal): Promise<void> {
    const { repository, store, client, nodeId: self, isAlive, closeSessions, logger } = this.#deps;
    const { nodeId, epoch } = suspect;
    if (signal.aborted || (await isAlive(suspect, signal))) return;
    const isDeclared =
      epoch === null
        ? await repository.declareUnknownLost(nodeId, self)
        : await repository.declareLost(nodeId, epoch, self);
    client.breakOff(nodeId);
    if (!isDeclared && !(await this.#isLost(suspect))) return;
    const ids = await repository.listLeftSessions(nodeId);
    if (isDeclared) {
      this.#lostCount += 1;
      logger.warn({ lostNodeId: nodeId, epoch, sessions: ids.length }, 'node was lost');
    }
    // Its places first: what can go on elsewhere must not be thought to have one.
    if (epoch !== null) await store.forget(nodeId, epoch);
    await closeSessions(nodeId, ids);
  }

  /** False where it has joined anew: what it has then is its own. Of a name that is a node's only now the next search knows more. */
  async #isLost({ nodeId, epoch }: LossSuspect): Promise<boolean> {
    return epoch !== null && (await this.#deps.repository.findStanding(nodeId, epoch)) === 'lost';
  }

  /** Ends what is under way to nodes the others have given up: one that was stopped would never answer. */
  #breakOffWithGone(): void {
    const { registry, client } = this.#deps;
    if (!registry.isSteady) return;
    const known = new Set(registry.view.nodes.map(({ nodeId }) => nodeId));
    for (const nodeId of client.busyWith) if (!known.has(nodeId)) client.breakOff(nodeId);
  }
}
