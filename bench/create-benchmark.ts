import type { CreateSession } from '@guise/contract';

import type { BenchmarkDeps } from './benchmark.ts';
import { creating, launchingRaw } from './create-contenders.ts';
import { interleave } from './interleave.ts';
import type { Section } from './report.ts';

const PLAN = { rounds: 20, warmUpRounds: 1, budgetMs: 75_000 };
const WARM_GOAL_MS = 15;
/** The pool holds no certain individual, so this one has to be launched; what is merely unusual it soon holds. */
const COLD: CreateSession = { profile: { seed: 1 } };

type Series = 'warm' | 'warm to CDP' | 'cold' | 'cold to CDP' | 'raw';

/** Session creation, warm and cold, beside starting the same Chromium by hand. */
export async function measureCreate(deps: BenchmarkDeps, signal: AbortSignal): Promise<Section> {
  const contenders = [
    creating<Series>(deps, { options: {}, answered: 'warm', usable: 'warm to CDP' }, signal),
    creating<Series>(deps, { options: COLD, answered: 'cold', usable: 'cold to CDP' }, signal),
    launchingRaw<Series>(deps, 'raw', signal),
  ];
  const samples = await interleave(contenders, PLAN, signal);

  const floor = samples.get('raw');
  const row = (what: string, series: Series) => ({ what, unit: 'ms', samples: samples.get(series), floor }) as const;
  return {
    title: 'Create a session',
    measurements: [
      { what: 'floor: raw Chromium, spawn to first CDP answer', unit: 'ms', samples: floor },
      { ...row('from the warm pool, to the full answer', 'warm'), goal: { of: 'median', atMost: WARM_GOAL_MS } },
      row('from the warm pool, to first CDP answer', 'warm to CDP'),
      row('cold (a certain individual), to the full answer', 'cold'),
      row('cold, to first CDP answer', 'cold to CDP'),
    ],
    notes: ['Each sample waits for a full warm pool and a moment of calm. The full answer means: a page can be used.'],
  };
}
