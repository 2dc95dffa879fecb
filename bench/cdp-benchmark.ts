import type { BenchmarkDeps } from './benchmark.ts';
import { CdpClient } from './cdp-client.ts';
import { type Contender, interleave, type InterleavePlan, type Samples } from './interleave.ts';
import { openPlainRelay } from './plain-relay.ts';
import type { Measurement, Section } from './report.ts';
import { findSessionBrowser } from './session-browser.ts';
import { median } from './statistics.ts';

const SMALL_PLAN = { rounds: 1_000, warmUpRounds: 200, budgetMs: 10_000 };
const LARGE_PLAN = { rounds: 60, warmUpRounds: 5, budgetMs: 20_000 };
const EVENTS_PLAN = { rounds: 100, warmUpRounds: 10, budgetMs: 20_000 };
/** What a way may cost beside the browser's own port: where bytes pass, and where messages are looked at. */
const RATIO_GOAL = 1.1;
const HIDDEN_RATIO_GOAL = 1.25;
const EVENTS = 1_000;
const LARGE_ANSWER_BYTES = 4 * 1024 ** 2;
const LARGE_EXPRESSION = `'x'.repeat(${LARGE_ANSWER_BYTES})`;

const WAYS = ['direct', 'gateway', 'relay', 'hiddenDirect', 'hidden'] as const;
type Way = (typeof WAYS)[number];

/** The way each is compared with: to the same browser, past everything. */
const FLOORS: Readonly<Record<Way, Way | undefined>> = {
  direct: undefined,
  gateway: 'direct',
  relay: 'direct',
  hiddenDirect: undefined,
  hidden: 'hiddenDirect',
};
const GOALS: Partial<Record<Way, number>> = { gateway: RATIO_GOAL, hidden: HIDDEN_RATIO_GOAL };

const WAY_LABELS: Readonly<Record<Way, string>> = {
  direct: "floor: the browser's own port",
  gateway: 'through the gateway',
  relay: 'reference: a plain pipe in its own process',
  hiddenDirect: "floor: own port of a hidden session's browser",
  hidden: 'through the gateway that hides its client',
};

/** A client with the page it is attached to. */
interface Route {
  readonly way: Way;
  readonly client: CdpClient;
  readonly cdpSessionId: string;
}

/** One command and answer; returns milliseconds. */
type RoundTrip = (route: Route) => Promise<number>;

const getVersion: RoundTrip = async ({ client }) => (await client.send('Browser.getVersion')).durationMs;

const evaluateSmall: RoundTrip = async ({ client, cdpSessionId }) =>
  (await client.send('Runtime.evaluate', { expression: '1+1' }, cdpSessionId)).durationMs;

const evaluateLarge: RoundTrip = async ({ client, cdpSessionId }) => {
  const params = { expression: LARGE_EXPRESSION, returnByValue: true };
  const { value, durationMs } = await client.send('Runtime.evaluate', params, cdpSessionId);
  const answer: unknown = value.result.value;
  if (typeof answer !== 'string' || answer.length !== LARGE_ANSWER_BYTES) throw new Error('The answer is not whole');
  return durationMs;
};

/** The binding a route calls in the page: a name of its own, or all clients of the page would get the events. */
const bindingOf = (way: Way): string => `bench_${way}`;

const evaluateWithEvents: RoundTrip = async ({ way, client, cdpSessionId }) => {
  const expression = `for (let count = 0; count < ${EVENTS}; count += 1) ${bindingOf(way)}('an event of the usual size')`;
  return (await client.send('Runtime.evaluate', { expression }, cdpSessionId)).durationMs;
};

async function openRoute(way: Way, endpoint: string | URL, signal: AbortSignal): Promise<Route & Disposable> {
  const client = await CdpClient.open(endpoint, signal);
  const { cdpSessionId } = await client.attachToPage();
  await client.send('Runtime.addBinding', { name: bindingOf(way) }, cdpSessionId);
  return { way, client, cdpSessionId, [Symbol.dispose]: () => client[Symbol.dispose]() };
}

async function compare(
  routes: readonly Route[],
  { roundTrip, plan }: { roundTrip: RoundTrip; plan: InterleavePlan },
  signal: AbortSignal,
): Promise<Samples<Way>> {
  const contenders = routes.map(
    (route): Contender<Way> =>
      async (samples) =>
        samples.add(route.way, await roundTrip(route)),
  );
  return interleave(contenders, plan, signal);
}

function toMeasurements(what: string, samples: Samples<Way>): Measurement[] {
  return WAYS.map((way) => {
    const floor = FLOORS[way];
    const atMost = GOALS[way];
    return {
      what: `${what}, ${WAY_LABELS[way]}`,
      unit: 'ms',
      samples: samples.get(way),
      ...(floor === undefined ? {} : { floor: samples.get(floor) }),
      ...(atMost === undefined ? {} : { goal: { of: 'ratio', atMost } }),
    };
  });
}

/** What the gateway adds to what a relay costs anyway, and hiding to that. */
function toRelayNote(what: string, samples: Samples<Way>): string {
  const ratio = (way: Way, other: Way): string => (median(samples.get(way)) / median(samples.get(other))).toFixed(2);
  return `${what}: gateway to reference ${ratio('gateway', 'relay')}, hiding gateway to the other ${ratio('hidden', 'gateway')}`;
}

/** CDP round trips through the gateway, beside the same browser's own debugging port. */
export async function measureCdp({ service }: BenchmarkDeps, signal: AbortSignal): Promise<Section> {
  await using session = await service.client.openSession({ stealthLevel: 'none' }, signal);
  await using hiddenSession = await service.client.openSession({ stealthLevel: 'advanced' }, signal);
  const { endpoint } = await findSessionBrowser(session.cdpUrl, signal);
  const { endpoint: hiddenEndpoint } = await findSessionBrowser(hiddenSession.cdpUrl, signal);
  await using relay = await openPlainRelay(Number(endpoint.port), signal);
  const relayed = new URL(endpoint);
  relayed.port = String(relay.port);
  using direct = await openRoute('direct', endpoint, signal);
  using gateway = await openRoute('gateway', session.cdpUrl, signal);
  using piped = await openRoute('relay', relayed, signal);
  using hiddenDirect = await openRoute('hiddenDirect', hiddenEndpoint, signal);
  using hidden = await openRoute('hidden', hiddenSession.cdpUrl, signal);
  await service.client.waitForCalm(signal);

  const routes = [direct, gateway, hiddenDirect, hidden, piped];
  const series = [
    ['Browser.getVersion', await compare(routes, { roundTrip: getVersion, plan: SMALL_PLAN }, signal)],
    ['evaluate 1+1', await compare(routes, { roundTrip: evaluateSmall, plan: SMALL_PLAN }, signal)],
    [`${EVENTS} events`, await compare(routes, { roundTrip: evaluateWithEvents, plan: EVENTS_PLAN }, signal)],
    ['evaluate, 4 MiB answer', await compare(routes, { roundTrip: evaluateLarge, plan: LARGE_PLAN }, signal)],
  ] as const;
  return {
    title: 'CDP round trip',
    measurements: series.flatMap(([what, samples]) => toMeasurements(what, samples)),
    notes: [
      'One command at a time, until its answer has arrived whole; a session that hides its clients has a browser of its own.',
      'The reference joins two sockets in another process and looks at nothing: what any relay in user space costs.',
      ...series.map(([what, samples]) => toRelayNote(what, samples)),
    ],
  };
}
