import { Counter, Gauge, type Registry } from 'prom-client';

/** Values that are read when metrics are asked for. */
export interface PoolReadings {
  readonly classes: () => readonly { readonly class: string; readonly ready: number }[];
  /** Undefined while nothing is known. */
  readonly hitRate: () => number | undefined;
  readonly launchesWaiting: () => number;
  readonly availableMemoryBytes: () => number;
}

/** The metrics of the warm pool and of what it goes by. */
export class PoolMetrics {
  readonly #claims: Counter<'outcome' | 'class'>;
  readonly #ends: Counter<'reason'>;

  constructor(registry: Registry, readings: PoolReadings) {
    const registers = [registry];
    const gauge = (name: string, help: string, read: () => number): void => {
      const metric: Gauge = new Gauge({ name, help, registers, collect: () => metric.set(read()) });
    };
    const ready = new Gauge<'class'>({
      name: 'guise_warm_browsers_ready',
      help: 'Browsers waiting to be claimed, by class.',
      labelNames: ['class'],
      registers,
      collect: () => {
        for (const each of readings.classes()) ready.set({ class: each.class }, each.ready);
      },
    });
    gauge(
      'guise_warm_pool_hit_ratio',
      'Part of the recent claims that were served warm, of those that could have been; NaN without any.',
      () => readings.hitRate() ?? Number.NaN,
    );
    gauge('guise_launches_waiting', 'Browsers to be launched when their turn comes.', readings.launchesWaiting);
    gauge(
      'guise_memory_available_bytes',
      'Memory the machine or a cgroup of the service has left, whichever is less.',
      readings.availableMemoryBytes,
    );
    this.#claims = new Counter({
      name: 'guise_warm_pool_claims_total',
      help: 'Browsers asked for: served warm (hit), launched though one could have been warm (miss), unlike any warm one (unfit), or a certain individual (pinned).',
      labelNames: ['outcome', 'class'],
      registers,
    });
    this.#ends = new Counter({
      name: 'guise_warm_browsers_ended_total',
      help: 'Warm browsers that were ended in place of being handed out, by reason.',
      labelNames: ['reason'],
      registers,
    });
  }

  recordClaim(outcome: string, kind: string): void {
    this.#claims.inc({ outcome, class: kind });
  }

  recordEnd(reason: string): void {
    this.#ends.inc({ reason });
  }
}
