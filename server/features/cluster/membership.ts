import type { CloseReason } from '@guise/contract';

import { AppError } from '../../lib/app-error.ts';
import type { Logger } from '../../platform/logger/logger.ts';
import type { ClusterAdmission } from './cluster-admission.ts';
import type { ClusterRepository } from './cluster-repository.ts';
import type { ClusterStore } from './cluster-store.ts';

const RETRY_AFTER_SECONDS = 5;

interface MembershipDeps {
  readonly nodeId: string;
  readonly repository: Pick<ClusterRepository, 'join' | 'leave' | 'findStanding'>;
  readonly store: Pick<ClusterStore, 'forget'>;
  readonly admission: Pick<ClusterAdmission, 'refuse'>;
  /** Ends everything this process holds of sessions. Never rejects. */
  readonly endSessions: (closeReason: CloseReason) => Promise<void>;
  readonly logger: Logger;
}

/**
 * This node's membership of the cluster, with its epoch.
 *
 * A node that was stopped for long finds itself declared lost when it goes on: its rows are closed and its places given away. It then ends
 * what it still holds and joins anew. One whose name another process has joined under ends what it holds, writes nothing of it, and stays out:
 * the rows have the name of both.
 */
export class Membership {
  readonly #deps: MembershipDeps;
  #epoch = 0;
  #isSuperseded = false;

  constructor(deps: MembershipDeps) {
    this.#deps = deps;
  }

  /** 0 before it has joined. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Whether another process has joined under the same name: this one is no member any more. */
  get isSuperseded(): boolean {
    return this.#isSuperseded;
  }

  async join(): Promise<void> {
    this.#epoch = await this.#deps.repository.join(this.#deps.nodeId);
  }

  /** Looks whether this node is a member still, and does what has to be done where it is not. */
  async check(): Promise<void> {
    const { nodeId, repository, admission, endSessions, logger } = this.#deps;
    if (this.#isSuperseded) return;
    const standing = await repository.findStanding(nodeId, this.#epoch);
    if (standing === 'member') return;
    admission.refuse(
      new AppError('DEPENDENCY_UNAVAILABLE', 'This node was taken for lost and has to join anew', {
        extensions: { retryAfterSeconds: RETRY_AFTER_SECONDS },
      }),
    );
    if (standing === 'superseded') {
      this.#isSuperseded = true;
      logger.error(
        { nodeId },
        'another process has joined under the name of this node: each needs a NODE_ID of its own',
      );
      return endSessions('node_lost');
    }
    logger.warn({ epoch: this.#epoch }, 'this node was declared lost: it gives up its sessions and joins anew');
    await endSessions('node_lost');
    await this.join();
    admission.refuse(undefined);
    logger.info({ epoch: this.#epoch }, 'this node has joined anew');
  }

  /** Leaves in order, at the end. Never rejects. */
  async leave(): Promise<void> {
    const { nodeId, repository, store, logger } = this.#deps;
    if (this.#isSuperseded) return;
    const results = await Promise.allSettled([
      store.forget(nodeId, this.#epoch),
      repository.leave(nodeId, this.#epoch),
    ]);
    // The others find out by themselves.
    for (const result of results)
      if (result.status === 'rejected') logger.warn({ err: result.reason }, 'this node could not say that it leaves');
  }
}
