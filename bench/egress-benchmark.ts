import type { BenchmarkDeps } from './benchmark.ts';
import { CdpClient } from './cdp-client.ts';
import { type ForwardProxy, type ForwardProxyKind, openForwardProxy } from './forward-proxy.ts';
import { DOWNLOAD_BYTES, type HeavySite, openHeavySite, RESOURCE_COUNT } from './heavy-site.ts';
import { type Contender, interleave, type Samples } from './interleave.ts';
import { readMemory } from './process-facts.ts';
import { launchRawBrowser } from './raw-browser.ts';
import { openPlainRelay } from './plain-relay.ts';
import type { Measurement, Section } from './report.ts';
import { timed } from './stopwatch.ts';

const PAGE_PLAN = { rounds: 40, warmUpRounds: 3, budgetMs: 120_000 };
const DOWNLOAD_PLAN = { rounds: 8, warmUpRounds: 1, budgetMs: 90_000 };
const RATIO_GOAL = 1.1;
const BLOCKING_GOAL = 1.05;
const MEMORY_POLL_MS = 50;
const BYTES_PER_MIB = 1024 ** 2;

/** `relay`: one more process that passes bytes and knows nothing; `blocking browser`: none, and kinds blocked that the page has not. */
type Way = 'direct' | 'blocking browser' | 'relay' | ForwardProxyKind;
type Series = Way | `${Way} memory`;

type Hop = Pick<ForwardProxy, 'pid' | 'port'>;

/** A page whose browser context leaves through one proxy, or none. */
interface Visitor {
  readonly way: Way;
  readonly proxy: Hop | undefined;
  /** Milliseconds until the load event. */
  readonly load: (url: string) => Promise<number>;
  /** Milliseconds until a page has read it all. */
  readonly download: (url: string) => Promise<number>;
}

async function openVisitor(client: CdpClient, way: Way, proxy?: Hop): Promise<Visitor> {
  // Without the rule Chromium would go round any proxy for loopback.
  const by = proxy && { proxyServer: `http://127.0.0.1:${proxy.port}`, proxyBypassList: '<-loopback>' };
  const { browserContextId } = (await client.send('Target.createBrowserContext', { ...by })).value;
  const { targetId } = (await client.send('Target.createTarget', { url: 'about:blank', browserContextId })).value;
  const { sessionId } = (await client.send('Target.attachToTarget', { targetId, flatten: true })).value;
  await client.send('Page.enable', undefined, sessionId);
  const load = async (url: string): Promise<void> => {
    const loaded = client.nextEvent('Page.loadEventFired', sessionId);
    const { errorText } = (await client.send('Page.navigate', { url }, sessionId)).value;
    if (errorText !== undefined) throw new Error(`${url} could not be loaded: ${errorText}`);
    await loaded;
  };
  const download = async (url: string): Promise<void> => {
    const expression = `(async () => {
      let bytes = 0;
      for await (const chunk of (await fetch('${url}')).body) bytes += chunk.length;
      return bytes;
    })()`;
    const { result } = (await client.send('Runtime.evaluate', { expression, awaitPromise: true }, sessionId)).value;
    if (result.value !== DOWNLOAD_BYTES) throw new Error(`${String(result.value)} bytes came through ${way}`);
  };
  return {
    way,
    proxy,
    load: async (url) => (await timed(() => load(url))).durationMs,
    download: async (url) => (await timed(() => download(url))).durationMs,
  };
}

/** By how much a process grows at most while something is done. MiB. */
async function measureGrowth(pid: number, work: () => Promise<void>): Promise<number> {
  const read = async (): Promise<number> => (await readMemory([pid])).residentBytes;
  const before = await read();
  let peak = before;
  const poll = async (): Promise<void> => {
    peak = Math.max(peak, await read());
  };
  const timer = setInterval(() => void poll(), MEMORY_POLL_MS);
  try {
    await work();
    await poll();
  } finally {
    clearInterval(timer);
  }
  return (peak - before) / BYTES_PER_MIB;
}

function downloading({ way, proxy, download }: Visitor, { origin }: HeavySite): Contender<Series> {
  return async (samples, round) => {
    const run = async (): Promise<void> => samples.add(way, await download(`${origin}/download?${round}`));
    if (proxy === undefined) await run();
    else samples.add(`${way} memory`, await measureGrowth(proxy.pid, run));
  };
}

/** The same, while the browser is told to fail what the page has none of. As `Browser.setBlockedTypes` does it. */
function blockingKinds(client: CdpClient, { load, ...visitor }: Visitor): Visitor {
  const patterns = (['Font', 'Media'] as const).map((resourceType) => ({ resourceType }));
  return {
    ...visitor,
    way: 'blocking browser',
    async load(url) {
      await client.send('Fetch.enable', { patterns });
      const durationMs = await load(url);
      await client.send('Fetch.disable');
      return durationMs;
    },
  };
}

function toRows(what: string, samples: Samples<Series>): Measurement[] {
  const floor = samples.get('direct');
  const goal = { of: 'ratio', atMost: RATIO_GOAL } as const;
  return [
    { what: `floor: ${what}, no proxy`, unit: 'ms', samples: floor },
    { what: `${what}, a relay of bytes`, unit: 'ms', samples: samples.get('relay'), floor },
    { what: `${what}, egress`, unit: 'ms', samples: samples.get('egress'), floor, goal },
    { what: `${what}, proxy-chain`, unit: 'ms', samples: samples.get('proxy-chain'), floor },
  ];
}

function toBlockingRows(pages: Samples<Series>): Measurement[] {
  const goal = { of: 'ratio', atMost: BLOCKING_GOAL } as const;
  const [direct, egress] = [pages.get('direct'), pages.get('egress')];
  return [
    {
      what: 'the page with ads and trackers blocked, to egress',
      unit: 'ms',
      samples: pages.get('blocking egress'),
      floor: egress,
      goal,
    },
    {
      what: 'the page with fonts and media blocked, to no proxy',
      unit: 'ms',
      samples: pages.get('blocking browser'),
      floor: direct,
      goal,
    },
  ];
}

/** A page of many resources and a large download, in one browser: without a proxy, through ours, through another. */
export async function measureEgress({ service, raw }: BenchmarkDeps, signal: AbortSignal): Promise<Section> {
  await using site = await openHeavySite();
  await using relay = await openPlainRelay(Number(new URL(site.origin).port), signal);
  await using egress = await openForwardProxy('egress', signal);
  await using blocking = await openForwardProxy('blocking egress', signal);
  await using proxyChain = await openForwardProxy('proxy-chain', signal);
  await using browser = await launchRawBrowser(raw, signal);
  using client = await CdpClient.open(browser.endpoint, signal);
  const visitors = [
    await openVisitor(client, 'direct'),
    await openVisitor(client, 'relay', relay),
    await openVisitor(client, 'egress', egress),
    await openVisitor(client, 'proxy-chain', proxyChain),
  ];
  const blockers = [
    await openVisitor(client, 'blocking egress', blocking),
    blockingKinds(client, await openVisitor(client, 'blocking browser')),
  ];
  await service.client.waitForCalm(signal);

  const loading = [...visitors, ...blockers].map(({ way, load }): Contender<Series> => async (samples, round) => {
    samples.add(way, await load(`${site.origin}/page?${round}`));
  });
  const pages = await interleave(loading, PAGE_PLAN, signal);
  const downloads = await interleave(
    visitors.map((visitor) => downloading(visitor, site)),
    DOWNLOAD_PLAN,
    signal,
  );
  return {
    title: 'Egress',
    measurements: [
      ...toRows(`page of ${RESOURCE_COUNT} resources`, pages),
      ...toBlockingRows(pages),
      ...toRows('download of 500 MB', downloads),
      { what: 'growth meanwhile, relay', unit: 'MiB', samples: downloads.get('relay memory') },
      { what: 'growth meanwhile, egress', unit: 'MiB', samples: downloads.get('egress memory') },
      { what: 'growth meanwhile, proxy-chain', unit: 'MiB', samples: downloads.get('proxy-chain memory') },
    ],
    notes: ['From loopback, over http; each proxy is a process of its own, whose resident memory is told.'],
  };
}
