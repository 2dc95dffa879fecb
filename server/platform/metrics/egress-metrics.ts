import { Counter, type Registry } from 'prom-client';

/** Sums since the start of the process. */
interface EgressTotals {
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly connections: number;
}

/** Metrics of what sessions move. Labels are bounded: never a host. */
export class EgressMetrics {
  readonly #refusals: Counter<'reason'>;
  readonly #failures: Counter<'reason'>;

  constructor(registry: Registry, readTotals: () => EgressTotals) {
    const registers = [registry];
    const bytes = new Counter<'direction'>({
      name: 'guise_egress_bytes_total',
      help: 'Payload of the connections of all sessions, by direction: received or sent.',
      labelNames: ['direction'],
      registers,
      collect: () => {
        const { receivedBytes, sentBytes } = readTotals();
        bytes.reset();
        bytes.inc({ direction: 'received' }, receivedBytes);
        bytes.inc({ direction: 'sent' }, sentBytes);
      },
    });
    const connections: Counter = new Counter({
      name: 'guise_egress_connections_total',
      help: 'Connections made for sessions.',
      registers,
      collect: () => {
        connections.reset();
        connections.inc(readTotals().connections);
      },
    });
    this.#refusals = new Counter({
      name: 'guise_egress_refusals_total',
      help: 'Connections and requests of sessions that were refused, by reason.',
      labelNames: ['reason'],
      registers,
    });
    this.#failures = new Counter({
      name: 'guise_egress_failures_total',
      help: 'Connections of sessions that were allowed and did not come about, by reason.',
      labelNames: ['reason'],
      registers,
    });
  }

  recordRefusal(reason: string): void {
    this.#refusals.inc({ reason });
  }

  recordFailure(reason: string): void {
    this.#failures.inc({ reason });
  }
}
