import { setTimeout as sleep } from 'node:timers/promises';

import type { BenchmarkDeps } from './benchmark.ts';
import { measureBrowser, type PlacedBrowser } from './browser-memory.ts';
import { type Contender, interleave } from './interleave.ts';
import { listDescendants, readMemory } from './process-facts.ts';
import { launchRawBrowser } from './raw-browser.ts';
import type { Section } from './report.ts';
import { findSessionBrowser } from './session-browser.ts';

const BROWSERS = 5;
/** What browsers still do for themselves after their start is over by then. Milliseconds. */
const IDLE_MS = 5_000;
const MIB = 1024 ** 2;

type Series = 'session' | 'raw' | 'service PSS' | 'service RSS' | 'database PSS';

/** Memory of idle sessions beside raw browsers, and of the service itself. */
export async function measureMemory({ service, raw }: BenchmarkDeps, signal: AbortSignal): Promise<Section> {
  await using opened = new AsyncDisposableStack();
  const sessions: PlacedBrowser[] = [];
  const raws: PlacedBrowser[] = [];
  for (let count = 0; count < BROWSERS; count += 1) {
    const { cdpUrl } = opened.use(await service.client.openSession({}, signal));
    sessions.push(await findSessionBrowser(cdpUrl, signal));
    raws.push(opened.use(await launchRawBrowser(raw, signal)));
  }
  await service.client.waitForCalm(signal);
  const { warmPool } = await service.client.readStatus(signal);
  await sleep(IDLE_MS, undefined, { signal });

  const measureNth =
    (browsers: readonly PlacedBrowser[], series: Series): Contender<Series> =>
    async (samples, round) => {
      const browser = browsers[round];
      if (browser !== undefined) samples.add(series, await measureBrowser(browser));
    };
  const measureService: Contender<Series> = async (samples) => {
    const own = await readMemory([service.pid]);
    samples.add('service PSS', own.proportionalBytes / MIB);
    samples.add('service RSS', own.residentBytes / MIB);
    const database = await readMemory(await listDescendants(service.pid, 'postgres'));
    samples.add('database PSS', database.proportionalBytes / MIB);
  };
  const contenders = [measureNth(sessions, 'session'), measureNth(raws, 'raw'), measureService];
  const plan = { rounds: BROWSERS, warmUpRounds: 0, budgetMs: 30_000 };
  const samples = await interleave(contenders, plan, signal);

  const row = (what: string, series: Series) => ({ what, unit: 'MiB', samples: samples.get(series) }) as const;
  return {
    title: 'Memory',
    measurements: [
      row('floor: raw Chromium, idle at about:blank, PSS', 'raw'),
      { ...row('session, idle at about:blank, PSS', 'session'), floor: samples.get('raw') },
      row('service process, PSS', 'service PSS'),
      row('service process, RSS', 'service RSS'),
      row('embedded PostgreSQL, all its processes, PSS', 'database PSS'),
    ],
    notes: [
      `PSS of each whole process tree while ${BROWSERS} sessions, ${warmPool.ready} warm and ${BROWSERS} raw browsers share what is shared.`,
    ],
  };
}
