import type { Logger } from '../../platform/logger/logger.ts';
import type { ClusterRepository } from './cluster-repository.ts';
import type { ClusterStore } from './cluster-store.ts';
import type { NodeRegistry, ReachableNode } from './node-registry.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** How long an owner is believed: a session moves when its node goes. Milliseconds. */
const BELIEVED_MS = 5_000;
/** How many owners are remembered. */
const MOST_REMEMBERED = 10_000;

interface SessionOwnersDeps {
  readonly nodeId: string;
  /** Whether this process holds anything of a session. */
  readonly isHere: (sessionId: string) => boolean;
  readonly repository: Pick<ClusterRepository, 'findOwner'>;
  readonly store: Pick<ClusterStore, 'findHolder'>;
  readonly registry: Pick<NodeRegistry, 'find'>;
  readonly logger: Logger;
}

/** Knows which node has a session: by memory, by the places in Redis, or by its row, which is the truth. */
export class SessionOwners {
  readonly #deps: SessionOwnersDeps;
  readonly #remembered = new Map<string, { readonly owner: string; readonly since: number }>();

  constructor(deps: SessionOwnersDeps) {
    this.#deps = deps;
  }

  /**
   * The other node that is to answer for a session; undefined where this one is: for its own, for those that are not there or have ended, and for
   * those of nodes that have gone, of which only the rows are left.
   *
   * @throws {AppError} DEPENDENCY_UNAVAILABLE when neither Redis nor the database knows
   */
  async findElsewhere(sessionId: string): Promise<ReachableNode | undefined> {
    const { nodeId, isHere, registry } = this.#deps;
    if (isHere(sessionId) || !UUID.test(sessionId)) return undefined;
    const owner = await this.#findOwner(sessionId);
    if (owner === undefined || owner === nodeId) return undefined;
    const node = await registry.find(owner);
    // It has gone: whoever goes on with its sessions is to be found the next time.
    if (node === undefined) this.#remembered.delete(sessionId);
    return node;
  }

  /** Whether a session has ended, or is not there: what is known of it is in the database then. False where nobody can tell. */
  async hasNone(sessionId: string): Promise<boolean> {
    this.forget(sessionId);
    return this.#deps.repository.findOwner(sessionId).then(
      (owner) => owner === undefined,
      () => false,
    );
  }

  /** Has the owner of a session looked up the next time: something has happened to it. */
  forget(sessionId: string): void {
    this.#remembered.delete(sessionId);
  }

  async #findOwner(sessionId: string): Promise<string | undefined> {
    const known = this.#remembered.get(sessionId);
    if (known !== undefined && performance.now() - known.since < BELIEVED_MS) return known.owner;
    const owner = (await this.#findHolder(sessionId)) ?? (await this.#deps.repository.findOwner(sessionId));
    if (owner === undefined) return undefined;
    this.#remembered.delete(sessionId);
    this.#remembered.set(sessionId, { owner, since: performance.now() });
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size > MOST_REMEMBERED && oldest !== undefined) this.#remembered.delete(oldest);
    return owner;
  }

  /** By its place, which is found also while the database is away; undefined where it has none, or Redis is away. */
  async #findHolder(sessionId: string): Promise<string | undefined> {
    try {
      return await this.#deps.store.findHolder(sessionId);
    } catch (error) {
      this.#deps.logger.debug({ err: error, sessionId }, 'place of a session could not be looked up');
      return undefined;
    }
  }
}
