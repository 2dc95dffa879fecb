import { measureEgress } from './build-egress.ts';
import { measurePool, type PoolParts } from './build-pool.ts';
import type { Egress } from './features/egress/index.ts';
import type { SessionEvents, SessionService } from './features/sessions/index.ts';
import type { TypedEmitter } from './lib/typed-emitter.ts';
import { ServiceMetrics } from './platform/metrics/service-metrics.ts';

/** The parts that are measured. */
interface MeasuredParts extends PoolParts {
  readonly sessions: SessionService;
  readonly events: TypedEmitter<SessionEvents>;
  readonly egress: Egress;
}

/** Makes the metrics of a node, and has its parts feed them. */
export function buildMetrics(
  { sessions, admission, events, egress, ...pool }: MeasuredParts,
  realtimeClients: () => number,
): ServiceMetrics {
  const metrics = new ServiceMetrics({
    liveSessions: () => sessions.live.length,
    sessionLimit: () => admission.limit,
    queuedCreates: () => admission.waiting,
    cdpClients: () => sessions.clientCount,
    realtimeClients,
  });
  events.on('stateChanged', ({ state, closeReason }) => metrics.recordTransition(state, closeReason));
  events.on('healthChecked', ({ outcome }) => metrics.recordHealthCheck(outcome));
  events.on('commandRefused', () => metrics.recordRefusedCommand());
  events.on('created', ({ outcome, durationMs }) => metrics.recordCreate(outcome, durationMs / 1_000));
  measurePool(pool, metrics.registry);
  measureEgress({ egress, events }, metrics.registry);
  return metrics;
}
