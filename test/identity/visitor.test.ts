import type { CreateSession } from '@guise/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Service, startService } from '../acceptance/service.ts';
import { describeComponents } from './components.ts';
import { inParallel } from './in-parallel.ts';
import { type DetectorReport, type ProbeSite, startProbeSite } from './probe-site.ts';
import { withSession } from './visit.ts';

const RESTARTS = 5;
const AT_ONCE = 2;

const stack = new AsyncDisposableStack();
let site: ProbeSite;
let service: Service;

beforeAll(async () => {
  site = await startProbeSite(stack);
  service = await startService(stack, { WARM_POOL_SIZE: '0' });
});
afterAll(() => stack.disposeAsync());

/** What the detectors say of a new session. */
async function detectIn(options: CreateSession): Promise<DetectorReport> {
  return withSession(service.api, options, async (session) => {
    const visit = site.openVisit();
    await service.api.navigate(session.id, visit.detectorsUrl);
    return visit.detected();
  });
}

describe.each([
  { os: 'windows', headless: true, title: 'windows, headless' },
  { os: 'android', headless: true, title: 'android, headless' },
  { os: 'macos', headless: false, title: 'macos, with a window' },
] as const)('a profile of $title', ({ os, headless }) => {
  it(`is the same visitor to FingerprintJS over ${RESTARTS} restarts`, async () => {
    const options = { stealthLevel: 'advanced', headless, profile: { os, seed: 77 } } as const;
    const outcomes = await inParallel(Array.from({ length: RESTARTS }), AT_ONCE, () => detectIn(options));
    const reports = outcomes.map((outcome) => {
      if (outcome.status === 'rejected') throw new Error('A session could not be looked at', { cause: outcome.reason });
      return outcome.value;
    });
    expect(describeComponents(reports)).toEqual([]);
  });
});
