import { signalGroup } from './process-tree.ts';

/**
 * The process groups this service has running.
 *
 * For the one case in which nothing can be waited for: a process that exits at once still takes its browsers with it.
 */
export class ProcessGroups {
  readonly #groups = new Set<number>();

  /** Notes a group; returns the function that forgets it when its leader has ended. */
  add(groupId: number): () => void {
    this.#groups.add(groupId);
    return () => this.#groups.delete(groupId);
  }

  /** Kills all of them, synchronously. */
  killAll(): void {
    for (const groupId of this.#groups) signalGroup(groupId, 'SIGKILL');
  }
}
