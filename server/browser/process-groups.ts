import { signalGroup } from './process-tree.ts';

/**
 * The process groups this service has running.
 *
 * For the one case in which nothing can be waited for: a process that exits at once still takes its browsers with it.
 */
export class ProcessGroups {
  /** By group id, the signal that ends it. */
  readonly #groups = new Map<number, NodeJS.Signals>();

  /** Notes a group and the signal that ends it; returns the function that forgets it once its leader has ended. */
  add(groupId: number, signal: 'SIGKILL' | 'SIGTERM'): () => void {
    this.#groups.set(groupId, signal);
    return () => this.#groups.delete(groupId);
  }

  /** Ends all of them, synchronously, without waiting for it. */
  killAll(): void {
    for (const [groupId, signal] of this.#groups) signalGroup(groupId, signal);
  }
}
