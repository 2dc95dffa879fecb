import type { CreateSession } from '@guise/contract';

import type { BenchmarkDeps } from './benchmark.ts';
import { CdpClient } from './cdp-client.ts';
import { type Contender, interleave } from './interleave.ts';
import { launchRawBrowser } from './raw-browser.ts';
import type { Section } from './report.ts';
import { timed } from './stopwatch.ts';

const PLAN = { rounds: 20, warmUpRounds: 1, budgetMs: 75_000 };
const WARM_GOAL_MS = 15;
/** The pool holds browsers in the host's time zone, so this one has to be launched. */
const COLD: CreateSession = { timezone: 'Europe/Berlin' };

type Series = 'warm' | 'warm to CDP' | 'cold' | 'cold to CDP' | 'raw';

async function answerOnce(cdpUrl: string, signal: AbortSignal): Promise<void> {
  using client = await CdpClient.open(cdpUrl, signal);
  await client.send('Browser.getVersion');
}

/** Session creation, warm and cold, beside starting the same Chromium by hand. */
export async function measureCreate({ service, raw }: BenchmarkDeps, signal: AbortSignal): Promise<Section> {
  const { client } = service;
  const createWith =
    (options: CreateSession, answered: Series, usable: Series): Contender<Series> =>
    async (samples) => {
      await client.waitForCalm(signal);
      await using session = await client.openSession(options, signal);
      const { durationMs } = await timed(() => answerOnce(session.cdpUrl, signal));
      samples.add(answered, session.createdInMs);
      samples.add(usable, session.createdInMs + durationMs);
    };
  const launchRaw: Contender<Series> = async (samples) => {
    await client.waitForCalm(signal);
    await using browser = await launchRawBrowser(raw, signal);
    samples.add('raw', browser.startedInMs);
  };
  const contenders = [createWith({}, 'warm', 'warm to CDP'), createWith(COLD, 'cold', 'cold to CDP'), launchRaw];
  const samples = await interleave(contenders, PLAN, signal);

  const floor = samples.get('raw');
  const row = (what: string, series: Series) => ({ what, unit: 'ms', samples: samples.get(series), floor }) as const;
  return {
    title: 'Create a session',
    measurements: [
      { what: 'floor: raw Chromium, spawn to first CDP answer', unit: 'ms', samples: floor },
      { ...row('from the warm pool, to the full answer', 'warm'), goal: { of: 'median', atMost: WARM_GOAL_MS } },
      row('from the warm pool, to first CDP answer', 'warm to CDP'),
      row('cold (a time zone of its own), to the full answer', 'cold'),
      row('cold, to first CDP answer', 'cold to CDP'),
    ],
    notes: ['Each sample waits for a full warm pool and a moment of calm. The full answer means: a page can be used.'],
  };
}
