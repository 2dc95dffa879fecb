import { type ClassicDashboard, dashboard, type Shown } from './panels.ts';

/** The node to look at, as $instance. */
const NODE = { name: 'instance', label: 'Node', query: 'label_values(up{job="guise"}, instance)' };

const FIGURES: readonly Shown[] = [
  {
    title: 'Sessions',
    description: 'Sessions that hold a browser now.',
    unit: 'none',
    queries: { sessions: 'guise_sessions_live{instance="$instance"}' },
  },
  {
    title: 'Taken',
    description: 'Part of its places that is taken.',
    unit: 'percentunit',
    queries: { taken: 'guise_sessions_live{instance="$instance"} / guise_sessions_limit{instance="$instance"}' },
    warnAt: 0.95,
  },
  {
    title: 'CDP clients',
    description: 'Clients connected over CDP.',
    unit: 'none',
    queries: { clients: 'guise_cdp_clients{instance="$instance"}' },
  },
  {
    title: 'Real-time clients',
    description: 'Clients of /api/ws.',
    unit: 'none',
    queries: { clients: 'guise_realtime_clients{instance="$instance"}' },
  },
  {
    title: 'Memory left',
    description: 'Of the machine or of a cgroup of the service, whichever is less. Below the reserve creates wait.',
    unit: 'bytes',
    queries: { left: 'guise_memory_available_bytes{instance="$instance"}' },
  },
  {
    title: 'Up for',
    description: 'Since its process started.',
    unit: 's',
    queries: { up: 'time() - process_start_time_seconds{job="guise",instance="$instance"}' },
  },
];

const SESSIONS: readonly Shown[] = [
  {
    title: 'Moves of sessions, a second',
    description: 'By the state they moved to.',
    unit: 'ops',
    queries: { '{{state}}': 'rate(guise_session_transitions_total{instance="$instance"}[5m])' },
  },
  {
    title: 'Ends by reason, a second',
    description: 'Why its sessions end.',
    unit: 'ops',
    queries: { '{{reason}}': 'rate(guise_sessions_closed_total{instance="$instance"}[5m])' },
  },
  {
    title: 'Health checks, a second',
    description: 'Browsers that were asked whether they work.',
    unit: 'ops',
    queries: { '{{outcome}}': 'rate(guise_health_checks_total{instance="$instance"}[5m])' },
  },
  {
    title: 'Commands and calls, a second',
    description: 'CDP commands that were refused, and calls over the real-time interface.',
    unit: 'ops',
    queries: {
      refused: 'rate(guise_cdp_commands_refused_total{instance="$instance"}[5m])',
      '{{method}}': 'sum by (method) (rate(guise_realtime_calls_total{instance="$instance"}[5m]))',
    },
  },
];

const WARM_POOL: readonly Shown[] = [
  {
    title: 'Warm browsers',
    description: 'Ready to be claimed, by class.',
    unit: 'none',
    queries: {
      '{{class}}': 'guise_warm_browsers_ready{instance="$instance"}',
      'launches waiting': 'guise_launches_waiting{instance="$instance"}',
    },
  },
  {
    title: 'Claims by outcome, a second',
    description: 'hit: served warm. miss: could have been. unfit: unlike any warm one. pinned: a certain individual.',
    unit: 'ops',
    queries: {
      '{{outcome}}': 'sum by (outcome) (rate(guise_warm_pool_claims_total{instance="$instance"}[5m]))',
    },
  },
  {
    title: 'Served warm',
    description: 'Part of the recent claims that could have been served warm and were.',
    unit: 'percentunit',
    queries: { warm: 'guise_warm_pool_hit_ratio{instance="$instance"}' },
  },
  {
    title: 'Warm browsers ended, a second',
    description: 'In place of being handed out, by reason. Many as surplus: the pool is larger than demand.',
    unit: 'ops',
    queries: { '{{reason}}': 'rate(guise_warm_browsers_ended_total{instance="$instance"}[5m])' },
  },
];

const PROCESS_AND_TRAFFIC: readonly Shown[] = [
  {
    title: 'Service: processor',
    description: 'Of the service itself, without browsers. 1 is a core.',
    unit: 'none',
    queries: { cores: 'rate(process_cpu_seconds_total{job="guise",instance="$instance"}[5m])' },
  },
  {
    title: 'Service: memory',
    description: 'Of the service itself. It should come to rest.',
    unit: 'bytes',
    queries: {
      resident: 'process_resident_memory_bytes{job="guise",instance="$instance"}',
      heap: 'nodejs_heap_size_used_bytes{job="guise",instance="$instance"}',
    },
  },
  {
    title: 'Service: how late it is',
    description: 'Lag of the event loop. All that passes through the service waits so long.',
    unit: 's',
    queries: {
      p50: 'nodejs_eventloop_lag_p50_seconds{job="guise",instance="$instance"}',
      p99: 'nodejs_eventloop_lag_p99_seconds{job="guise",instance="$instance"}',
    },
  },
  {
    title: 'Egress',
    description: 'Bytes and connections of its sessions.',
    unit: 'none',
    queries: {
      'bytes/s {{direction}}': 'sum by (direction) (rate(guise_egress_bytes_total{instance="$instance"}[5m]))',
      'connections/s': 'rate(guise_egress_connections_total{instance="$instance"}[5m])',
    },
  },
];

/** One node, chosen at the top: its browsers, its pool, its process. */
export function nodeDashboard(): ClassicDashboard {
  const rows = { Sessions: SESSIONS, 'Warm pool': WARM_POOL, 'Process and traffic': PROCESS_AND_TRAFFIC };
  return dashboard('guise-node', 'Guise: node', { figures: FIGURES, rows, variable: NODE }).build();
}
