import { Counter, Gauge, type Registry } from 'prom-client';

/** Values that are read when metrics are asked for. */
interface ClusterReadings {
  readonly nodes: () => number;
  readonly waiting: () => number;
  readonly isRedisAnswering: () => boolean;
  /** Nodes this one has declared lost. */
  readonly lost: () => number;
}

/** What passes from node to node. */
export type ForwardedKind = 'http' | 'upgrade' | 'call' | 'create';

/** Metrics of a node's part in its cluster. */
export class ClusterMetrics {
  readonly #forwarded: Counter<'kind'>;

  constructor(registry: Registry, readings: ClusterReadings) {
    const registers = [registry];
    const gauge = (name: string, help: string, read: () => number): void => {
      const metric: Gauge = new Gauge({ name, help, registers, collect: () => metric.set(read()) });
    };
    gauge('guise_cluster_nodes', 'Nodes in the cluster, as this one last heard.', readings.nodes);
    gauge('guise_cluster_creates_queued', 'Creates waiting for a place on any node.', readings.waiting);
    gauge('guise_redis_up', 'Whether Redis answers.', () => Number(readings.isRedisAnswering()));
    this.#forwarded = new Counter({
      name: 'guise_forwarded_requests_total',
      help: 'Requests this node passed on to the node that had to answer, by kind.',
      labelNames: ['kind'],
      registers,
    });
    const lost: Counter = new Counter({
      name: 'guise_nodes_declared_lost_total',
      help: 'Nodes this one has declared lost.',
      registers,
      collect: () => {
        lost.reset();
        lost.inc(readings.lost());
      },
    });
  }

  recordForwarded(kind: ForwardedKind): void {
    this.#forwarded.inc({ kind });
  }
}
