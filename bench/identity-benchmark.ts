import { setTimeout as sleep } from 'node:timers/promises';

import type { CreateSession } from '@guise/contract';

import type { BenchmarkDeps } from './benchmark.ts';
import { measureBrowser, type PlacedBrowser } from './browser-memory.ts';
import { CdpClient } from './cdp-client.ts';
import { creating, launchingRaw } from './create-contenders.ts';
import { type Contender, interleave, type Samples } from './interleave.ts';
import { launchRawBrowser } from './raw-browser.ts';
import type { Measurement, Section } from './report.ts';
import { openSampleSite, type SampleSite } from './sample-site.ts';
import { findSessionBrowser } from './session-browser.ts';
import { median } from './statistics.ts';

const START_PLAN = { rounds: 20, warmUpRounds: 1, budgetMs: 120_000 };
/** Browsers of each way whose memory is measured, all of them open at once. */
const BROWSERS = 4;
/** What browsers still do for themselves after their page has loaded is over by then. Milliseconds. */
const SETTLE_MS = 5_000;
const START_GOAL_MS = 200;
const WARM_GOAL_MS = 30;
const MEMORY_RATIO_GOAL = 1.1;

/** A certain individual, which no warm browser is. */
const PINNED = { profile: { os: 'windows', seed: 1 } } as const;

/** How a session is launched for its request. A browser that claims nothing, in a time zone of its own, is no warm one either. */
const COLD = {
  none: { stealthLevel: 'none', timezone: 'Europe/Berlin' },
  advanced: { stealthLevel: 'advanced', ...PINNED },
  maximum: { stealthLevel: 'maximum', ...PINNED },
} as const satisfies Record<string, CreateSession>;

type Level = keyof typeof COLD;
type StartSeries = 'raw' | `${Level | 'warm'} ${'answered' | 'to CDP'}`;
type MemorySeries = 'raw' | Level;

const LEVELS = Object.keys(COLD) as readonly Level[];

async function compareStarts(deps: BenchmarkDeps, signal: AbortSignal): Promise<Samples<StartSeries>> {
  const starting = (name: Level | 'warm', options: CreateSession): Contender<StartSeries> =>
    creating<StartSeries>(deps, { options, answered: `${name} answered`, usable: `${name} to CDP` }, signal);
  const contenders = [
    launchingRaw<StartSeries>(deps, 'raw', signal),
    ...LEVELS.map((level) => starting(level, COLD[level])),
    starting('warm', { stealthLevel: 'advanced' }),
  ];
  return interleave(contenders, START_PLAN, signal);
}

/** A raw browser that has loaded the page. `opened` ends it. */
async function openRaw(
  { raw }: BenchmarkDeps,
  { opened, url }: { readonly opened: AsyncDisposableStack; readonly url: string },
  signal: AbortSignal,
): Promise<PlacedBrowser> {
  const browser = opened.use(await launchRawBrowser(raw, signal));
  // As in a session, somebody stays attached.
  const client = opened.use(await CdpClient.open(browser.endpoint, signal));
  const { cdpSessionId } = await client.attachToPage();
  await client.send('Page.enable', undefined, cdpSessionId);
  await client.loadPage(url, cdpSessionId);
  return browser;
}

/** Memory of browsers that have all loaded the sample page and are at rest. */
async function compareMemory(deps: BenchmarkDeps, signal: AbortSignal): Promise<Samples<MemorySeries>> {
  const { client } = deps.service;
  await using opened = new AsyncDisposableStack();
  const site: SampleSite = opened.use(await openSampleSite());
  const browsers: Record<MemorySeries, PlacedBrowser[]> = { raw: [], none: [], advanced: [], maximum: [] };
  for (let count = 0; count < BROWSERS; count += 1) {
    const url = site.pageUrl(`memory-${count}`);
    browsers.raw.push(await openRaw(deps, { opened, url }, signal));
    for (const level of LEVELS) {
      const session = opened.use(await client.openSession(COLD[level], signal));
      await client.navigate(session.id, url, signal);
      browsers[level].push(await findSessionBrowser(session.cdpUrl, signal));
    }
  }
  await client.waitForCalm(signal);
  await sleep(SETTLE_MS, undefined, { signal });

  const contenders = (['raw', ...LEVELS] as const).map((series): Contender<MemorySeries> => async (samples, round) => {
    const browser = browsers[series][round];
    if (browser !== undefined) samples.add(series, await measureBrowser(browser));
  });
  return await interleave(contenders, { rounds: BROWSERS, warmUpRounds: 0, budgetMs: 60_000 }, signal);
}

function toStartRows(samples: Samples<StartSeries>): Measurement[] {
  const floor = samples.get('raw');
  const row = (what: string, series: StartSeries) =>
    ({ what, unit: 'ms', samples: samples.get(series), floor }) as const;
  const goal = { of: 'difference', atMost: START_GOAL_MS } as const;
  return [
    { what: 'floor: raw Chromium, spawn to first CDP answer', unit: 'ms', samples: floor },
    ...LEVELS.flatMap((level): Measurement[] => [
      row(`cold at ${level}, to the full answer`, `${level} answered`),
      { ...row(`cold at ${level}, to first CDP answer`, `${level} to CDP`), ...(level === 'advanced' && { goal }) },
    ]),
    { ...row('warm at advanced, to the full answer', 'warm answered'), goal: { of: 'median', atMost: WARM_GOAL_MS } },
    { ...row('the same', 'warm answered'), goal: { of: 'p95', atMost: WARM_GOAL_MS } },
    row('warm at advanced, to first CDP answer', 'warm to CDP'),
  ];
}

function toMemoryRows(samples: Samples<MemorySeries>): Measurement[] {
  const floor = samples.get('raw');
  const goal = { of: 'ratio', atMost: MEMORY_RATIO_GOAL } as const;
  return [
    { what: 'floor: raw Chromium with a small page, PSS', unit: 'MiB', samples: floor },
    ...LEVELS.map((level): Measurement => ({
      ...{ what: `session at ${level} with the same page, PSS`, unit: 'MiB', samples: samples.get(level), floor },
      ...(level === 'advanced' && { goal }),
    })),
  ];
}

/** What an identity adds to a session: to its start, cold and warm, and to its memory. */
export async function measureIdentity(deps: BenchmarkDeps, signal: AbortSignal): Promise<Section> {
  const starts = await compareStarts(deps, signal);
  const { warmPool } = await deps.service.client.readStatus(signal);
  const memory = await compareMemory(deps, signal);
  const atAdvanced = median(starts.get('advanced to CDP')) - median(starts.get('none to CDP'));
  return {
    title: 'Identity',
    measurements: [...toStartRows(starts), ...toMemoryRows(memory)],
    notes: [
      'Cold sessions from advanced on wear a pinned generated profile, a Windows desktop; at maximum it has a window on a display of its own.',
      `Cold, a session at advanced takes ${atAdvanced.toFixed(0)} ms more than one at none until it can be used.`,
      `Of the creates that could have been served warm, ${((warmPool.hitRate ?? 0) * 100).toFixed(0)} % were.`,
      `PSS of whole process trees while ${BROWSERS} of each and ${warmPool.ready} warm browsers share what is shared.`,
    ],
  };
}
