import { type ClassicDashboard, dashboard, type Shown } from './panels.ts';

const FIGURES: readonly Shown[] = [
  {
    title: 'Nodes',
    description: 'Nodes that answer Prometheus.',
    unit: 'none',
    queries: { nodes: 'count(up{job="guise"} == 1)' },
  },
  {
    title: 'Sessions',
    description: 'Sessions that hold a browser now.',
    unit: 'none',
    queries: { sessions: 'sum(guise_sessions_live)' },
  },
  {
    title: 'Taken',
    description: 'Part of all places that is taken. Above 85 % it is time for another node.',
    unit: 'percentunit',
    queries: { taken: 'sum(guise_sessions_live) / sum(guise_sessions_limit)' },
    warnAt: 0.85,
  },
  {
    title: 'Waiting',
    description: 'Creates that wait for a place or for memory.',
    unit: 'none',
    queries: { waiting: 'sum(guise_creates_queued)' },
    warnAt: 1,
  },
  {
    title: 'Creates, p95',
    description: 'Nineteen creates in twenty are faster.',
    unit: 's',
    queries: {
      p95: 'histogram_quantile(0.95, sum by (le) (rate(guise_session_create_seconds_bucket[5m])))',
    },
    warnAt: 5,
  },
  {
    title: 'Errors',
    description: 'Part of the requests that failed on our side (5xx).',
    unit: 'percentunit',
    queries: {
      errors:
        '(sum(rate(guise_http_request_seconds_count{status=~"5.."}[5m])) or vector(0)) / sum(rate(guise_http_request_seconds_count[5m]))',
    },
    warnAt: 0.02,
  },
];

const SESSIONS: readonly Shown[] = [
  {
    title: 'Sessions and places',
    description: 'What is taken, what there is, who waits.',
    unit: 'none',
    queries: {
      live: 'sum(guise_sessions_live)',
      limit: 'sum(guise_sessions_limit)',
      waiting: 'sum(guise_creates_queued)',
    },
  },
  {
    title: 'Ends by reason, a second',
    description: 'browser_crashed, unhealthy, node_lost and start_failed are ours; the others are somebody’s wish.',
    unit: 'ops',
    queries: { '{{reason}}': 'sum by (reason) (rate(guise_sessions_closed_total[5m]))' },
  },
  {
    title: 'Time of a create',
    description: 'By where the browser came from; warm ones take milliseconds.',
    unit: 's',
    queries: {
      'p50 {{outcome}}':
        'histogram_quantile(0.5, sum by (le, outcome) (rate(guise_session_create_seconds_bucket[5m])))',
      'p95 {{outcome}}':
        'histogram_quantile(0.95, sum by (le, outcome) (rate(guise_session_create_seconds_bucket[5m])))',
    },
  },
  {
    title: 'Sessions by node',
    description: 'Nodes that have far more than others, or none, are worth a look.',
    unit: 'none',
    queries: { '{{instance}}': 'sum by (instance) (guise_sessions_live)' },
  },
];

const REQUESTS: readonly Shown[] = [
  {
    title: 'Requests by status, a second',
    description: '429 is a limit or a full fleet; 5xx is a fault of ours.',
    unit: 'reqps',
    queries: { '{{status}}': 'sum by (status) (rate(guise_http_request_seconds_count[5m]))' },
  },
  {
    title: 'Time of requests, p95 by route',
    description: 'The ten slowest. Navigations and scripts take what their pages take.',
    unit: 's',
    queries: {
      '{{method}} {{route}}':
        'topk(10, histogram_quantile(0.95, sum by (le, method, route) (rate(guise_http_request_seconds_bucket[5m]))))',
    },
  },
  {
    title: 'Forwarded between nodes, a second',
    description: 'Requests that came to another node than the session’s own.',
    unit: 'reqps',
    queries: { '{{kind}}': 'sum by (kind) (rate(guise_forwarded_requests_total[5m]))' },
  },
  {
    title: 'Nodes by who is asked',
    description: 'How many nodes each node knows. They should agree.',
    unit: 'none',
    queries: { '{{instance}}': 'guise_cluster_nodes' },
  },
];

const EGRESS: readonly Shown[] = [
  {
    title: 'Traffic of sessions',
    description: 'What passes the forward proxies of all sessions.',
    unit: 'Bps',
    queries: { '{{direction}}': 'sum by (direction) (rate(guise_egress_bytes_total[5m]))' },
  },
  {
    title: 'Refused connections, a second',
    description: 'By reason. Many at once is a session that looks around inside.',
    unit: 'ops',
    queries: { '{{reason}}': 'sum by (reason) (rate(guise_egress_refusals_total[5m]))' },
  },
];

/** All nodes as one service: is there room, is it fast, does it fail. */
export function fleetDashboard(): ClassicDashboard {
  const rows = { Sessions: SESSIONS, Requests: REQUESTS, Egress: EGRESS };
  return dashboard('guise-fleet', 'Guise: fleet', { figures: FIGURES, rows }).build();
}
