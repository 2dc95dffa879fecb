import path from 'node:path';

import { ANY_RATE, openGateway } from '../cloud/testing/gateway.ts';
import { silentLogger } from '../server/platform/logger/logger.ts';
import { startEmbeddedPostgres } from '../server/platform/postgres/embedded-postgres.ts';
import { startTestRedis } from '../server/testing/redis-server.ts';
import { type ClusterNode, KEY_HEADERS, startNodes } from '../test/cluster/node.ts';
import type { BenchmarkDeps } from './benchmark.ts';
import { CdpClient } from './cdp-client.ts';
import { interleave, type Samples } from './interleave.ts';
import type { Measurement, Section } from './report.ts';
import { RestConnection } from './rest-connection.ts';

const PLAN = { rounds: 500, warmUpRounds: 100, budgetMs: 30_000 };
/** What the way through another node may add. Milliseconds. */
const GOAL_MS = 2;
const START_TIMEOUT_MS = 60_000;

const WAYS = ['owner', 'other', 'nginx', 'nginxOther'] as const;
type Way = (typeof WAYS)[number];

const LABELS: Readonly<Record<Way, string>> = {
  owner: 'floor: the node that has the session',
  other: 'through another node',
  nginx: 'through nginx to that node',
  nginxOther: 'through nginx and another node',
};

/** One way to the session, on connections that are kept. */
interface Route {
  readonly way: Way;
  readonly rest: RestConnection;
  readonly cdp: CdpClient;
}

/** Two nodes on a database and a Redis of their own. */
async function startCluster(stack: AsyncDisposableStack, dataDir: string, signal: AbortSignal): Promise<ClusterNode[]> {
  const starting = AbortSignal.any([signal, AbortSignal.timeout(START_TIMEOUT_MS)]);
  const { user, database, socketDir } = stack.use(
    await startEmbeddedPostgres({ dataDir, logger: silentLogger, durability: 'none', maxConnections: 100 }, starting),
  );
  const { url: redisUrl } = await startTestRedis(stack);
  const databaseUrl = `postgres://${user}@localhost/${database}?host=${encodeURIComponent(socketDir)}`;
  // Each answer has to be worth its time: nothing is logged beside it.
  const settings = { LOG_LEVEL: 'info', MAX_REQUESTS_PER_SESSION: '1000000000' };
  return startNodes(stack, { databaseUrl, redisUrl }, { owner: settings, other: settings });
}

async function openRoute(
  stack: AsyncDisposableStack,
  { way, address, cdpUrl }: { readonly way: Way; readonly address: string; readonly cdpUrl: string },
  signal: AbortSignal,
): Promise<Route> {
  const endpoint = new URL(cdpUrl);
  endpoint.host = new URL(address).host;
  return {
    way,
    rest: stack.use(new RestConnection(address, KEY_HEADERS)),
    cdp: stack.use(await CdpClient.open(endpoint, signal)),
  };
}

function toMeasurements(what: string, samples: Samples<Way>): Measurement[] {
  return WAYS.map((way) => ({
    what: `${what}, ${LABELS[way]}`,
    unit: 'ms',
    samples: samples.get(way),
    ...(way !== 'owner' && { floor: samples.get('owner') }),
    ...(way === 'other' && { goal: { of: 'difference', atMost: GOAL_MS } as const }),
  }));
}

/** What it costs that a request arrives at a node that does not have the session, and that nginx stands before the nodes. */
export async function measureForwarding({ raw }: BenchmarkDeps, signal: AbortSignal): Promise<Section> {
  await using stack = new AsyncDisposableStack();
  const [owner, other] = await startCluster(stack, path.join(raw.parentDir, 'cluster-database'), signal);
  if (owner === undefined || other === undefined) throw new Error('The nodes did not start');
  const session = await owner.create({ stealthLevel: 'none' });
  if (session.nodeId !== owner.name) throw new Error('The session is not where it was asked for');
  const portOf = ({ address }: ClusterNode): number => Number(new URL(address).port);
  const nginx = await openGateway(stack, { nodes: [portOf(owner)], settings: ANY_RATE });
  const nginxOther = await openGateway(stack, { nodes: [portOf(other)], settings: ANY_RATE });
  const addresses = { owner: owner.address, other: other.address, nginx: nginx.url, nginxOther: nginxOther.url };
  const routes = await Promise.all(
    WAYS.map((way) => openRoute(stack, { way, address: addresses[way], cdpUrl: session.cdpUrl ?? '' }, signal)),
  );
  const gets = await interleave<Way>(
    routes.map(({ way, rest }) => async (samples) => {
      samples.add(way, (await rest.send('GET', { path: `/api/sessions/${session.id}` }, signal)).durationMs);
    }),
    PLAN,
    signal,
  );
  const commands = await interleave<Way>(
    routes.map(({ way, cdp }) => async (samples) => {
      samples.add(way, (await cdp.send('Browser.getVersion')).durationMs);
    }),
    PLAN,
    signal,
  );
  return {
    title: 'Forwarding',
    measurements: [...toMeasurements('GET of a session', gets), ...toMeasurements('CDP Browser.getVersion', commands)],
    notes: [
      'By turns, one at a time, each way on connections of its own that are kept; two nodes, Redis and PostgreSQL on this machine.',
    ],
  };
}
