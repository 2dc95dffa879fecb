import type { ClusterStore, ClusterView, NodeRecord, SeenNode } from './cluster-store.ts';
import { STALE_MS } from './cluster-store.ts';

/** How long Redis must have answered before what it does not know means anything: every node has beaten by then. Milliseconds. */
const STEADY_MS = 8_000;

/** A node that can be reached. */
export interface ReachableNode {
  readonly nodeId: string;
  readonly url: string;
}

/** What a node says of itself at any moment. */
export interface OwnReport {
  readonly record: NodeRecord;
  /** Sessions that have places here. */
  readonly held: readonly string[];
}

interface NodeRegistryDeps {
  readonly store: Pick<ClusterStore, 'beat' | 'look'>;
  readonly report: () => OwnReport;
  /** Milliseconds that only grow. */
  readonly now?: () => number;
}

/**
 * Who is in the cluster, as this node has last heard.
 *
 * While Redis is away the last view stands: nobody is taken for gone because nobody can be heard.
 */
export class NodeRegistry {
  readonly #deps: NodeRegistryDeps;
  readonly #now: () => number;
  readonly #urls = new Map<string, string>();
  #view: ClusterView = { nodes: [], waiting: 0, knownMs: 0 };
  #viewedAt = 0;
  #steadySince: number | undefined;

  constructor(deps: NodeRegistryDeps) {
    this.#deps = deps;
    this.#now = deps.now ?? ((): number => performance.now());
  }

  get view(): ClusterView {
    return this.#view;
  }

  /** Nodes that were there when they were last looked for. */
  get present(): readonly SeenNode[] {
    return this.#view.nodes.filter(({ ageMs }) => ageMs < STALE_MS);
  }

  /** Whether Redis has answered, and remembered, for so long that a node which is missing there is missing. */
  get isSteady(): boolean {
    if (this.#steadySince === undefined || this.#view.knownMs < STEADY_MS) return false;
    return this.#now() - this.#steadySince >= STEADY_MS;
  }

  /** Whether the last beat was heard. */
  get isHeard(): boolean {
    return this.#steadySince !== undefined;
  }

  /** Where a node was reached when it was last heard of. */
  urlOf(nodeId: string): string | undefined {
    return this.#urls.get(nodeId);
  }

  /** Says that this node is there, and hears who else is. @throws {AppError} DEPENDENCY_UNAVAILABLE */
  async beat(): Promise<void> {
    const { record, held } = this.#deps.report();
    await this.#hear(this.#deps.store.beat(record, held));
  }

  /** Hears who is there. @throws {AppError} DEPENDENCY_UNAVAILABLE */
  async look(): Promise<void> {
    await this.#hear(this.#deps.store.look());
  }

  /** The node of this name, if it was there and can be reached; one that is not known yet is looked for. */
  async find(nodeId: string): Promise<ReachableNode | undefined> {
    if (!this.present.some((node) => node.nodeId === nodeId)) await this.look().catch(() => undefined);
    const found = this.present.find((node) => node.nodeId === nodeId);
    if (found === undefined || found.url === null) return undefined;
    return { nodeId, url: found.url };
  }

  /** Nodes not heard of for so long that they may be gone, by what is known now. */
  listStale(): SeenNode[] {
    const elapsedMs = this.#now() - this.#viewedAt;
    return this.#view.nodes.filter(({ ageMs }) => ageMs + elapsedMs >= STALE_MS);
  }

  async #hear(saying: Promise<ClusterView>): Promise<void> {
    try {
      this.#view = await saying;
    } catch (error) {
      this.#steadySince = undefined;
      throw error;
    }
    this.#viewedAt = this.#now();
    for (const { nodeId, url } of this.#view.nodes) if (url !== null) this.#urls.set(nodeId, url);
    this.#steadySince ??= this.#viewedAt;
  }
}
