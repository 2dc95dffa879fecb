import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Default metrics of prom-client whose names break Prometheus's own rules: gauges that end in `_total`. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

const CREATE_SECONDS = [0.005, 0.01, 0.015, 0.03, 0.1, 0.3, 0.5, 1, 2, 5, 10, 30];
const REQUEST_SECONDS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30];

/** Values that are read when metrics are asked for. */
export interface Readings {
  readonly liveSessions: () => number;
  readonly sessionLimit: () => number;
  readonly queuedCreates: () => number;
  readonly cdpClients: () => number;
  readonly realtimeClients: () => number;
}

/** The metrics of one service process, in a registry of their own. Labels are bounded: never an id or an address. */
export class ServiceMetrics {
  readonly registry = new Registry();
  readonly #transitions: Counter<'state'>;
  readonly #closed: Counter<'reason'>;
  readonly #healthChecks: Counter<'outcome'>;
  readonly #refusedCommands: Counter;
  readonly #restored: Counter<'outcome'>;
  readonly #calls: Counter<'method' | 'outcome'>;
  readonly #creates: Histogram<'outcome'>;
  readonly #requests: Histogram<'method' | 'route' | 'status'>;

  constructor(readings: Readings) {
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry });
    for (const name of MISNAMED) this.registry.removeSingleMetric(name);
    const gauge = (name: string, help: string, read: () => number): void => {
      const metric: Gauge = new Gauge({ name, help, registers, collect: () => metric.set(read()) });
    };
    gauge('guise_sessions_live', 'Sessions that hold a browser now.', readings.liveSessions);
    gauge('guise_sessions_limit', 'Sessions this node takes at most.', readings.sessionLimit);
    gauge('guise_creates_queued', 'Creates waiting for a place.', readings.queuedCreates);
    gauge('guise_cdp_clients', 'Clients connected over CDP.', readings.cdpClients);
    gauge('guise_realtime_clients', 'Clients connected to the real-time interface.', readings.realtimeClients);
    this.#transitions = new Counter({
      name: 'guise_session_transitions_total',
      help: 'Moves of sessions, by the state they moved to.',
      labelNames: ['state'],
      registers,
    });
    this.#closed = new Counter({
      name: 'guise_sessions_closed_total',
      help: 'Sessions that ended, by reason.',
      labelNames: ['reason'],
      registers,
    });
    this.#healthChecks = new Counter({
      name: 'guise_health_checks_total',
      help: 'Times a browser was asked whether it works, by outcome.',
      labelNames: ['outcome'],
      registers,
    });
    this.#refusedCommands = new Counter({
      name: 'guise_cdp_commands_refused_total',
      help: 'CDP commands that clients were refused.',
      registers,
    });
    this.#restored = restoredCounter(registers);
    this.#calls = new Counter({
      name: 'guise_realtime_calls_total',
      help: 'Calls over the real-time interface, by method and outcome: ok, or the code of a problem.',
      labelNames: ['method', 'outcome'],
      registers,
    });
    this.#creates = new Histogram({
      name: 'guise_session_create_seconds',
      help: 'Time from a create request to its session, by where the browser came from.',
      labelNames: ['outcome'],
      buckets: CREATE_SECONDS,
      registers,
    });
    this.#requests = new Histogram({
      name: 'guise_http_request_seconds',
      help: 'Time to answer a request, by route pattern.',
      labelNames: ['method', 'route', 'status'],
      buckets: REQUEST_SECONDS,
      registers,
    });
  }

  recordTransition(state: string, closeReason: string | null): void {
    this.#transitions.inc({ state });
    if (state === 'CLOSED') this.#closed.inc({ reason: closeReason ?? 'unknown' });
  }

  recordHealthCheck(outcome: string): void {
    this.#healthChecks.inc({ outcome });
  }

  recordRestored(outcome: string): void {
    this.#restored.inc({ outcome });
  }

  recordRefusedCommand(): void {
    this.#refusedCommands.inc();
  }

  recordCall({ method, outcome }: { readonly method: string; readonly outcome: string }): void {
    this.#calls.inc({ method, outcome });
  }

  recordCreate(outcome: string, seconds: number): void {
    this.#creates.observe({ outcome }, seconds);
  }

  recordRequest(
    labels: { readonly method: string; readonly route: string; readonly status: number },
    seconds: number,
  ): void {
    this.#requests.observe({ ...labels, status: String(labels.status) }, seconds);
  }
}

function restoredCounter(registers: Registry[]): Counter<'outcome'> {
  return new Counter({
    name: 'guise_sessions_restored_total',
    help: 'Sessions whose node has gone, by what became of them here: restored, or lost.',
    labelNames: ['outcome'],
    registers,
  });
}
