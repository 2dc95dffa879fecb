import type { CreateSession } from '@guise/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Service, startService } from '../acceptance/service.ts';
import { probeUnmanaged } from './control.ts';
import { drivePlaywright } from './drive-playwright.ts';
import { drivePuppeteer } from './drive-puppeteer.ts';
import { EXPECTED_OUTCOME, type ScriptOutcome } from './driver-script.ts';
import { EXPECTATIONS } from './expectations.ts';
import { inParallel } from './in-parallel.ts';
import type { ProbeResult } from './probe-run.ts';
import { type ProbeSite, startProbeSite } from './probe-site.ts';
import { fingerprintOf, type Seen, withSession } from './visit.ts';

const DRIVERS = [
  { driver: 'Puppeteer', drive: drivePuppeteer },
  { driver: 'Playwright', drive: drivePlaywright },
] as const;
/** Both kinds of windows with each driver, and each system once. */
const SESSIONS = [
  { os: 'windows', headless: false },
  { os: 'macos', headless: true },
  { os: 'android', headless: true },
  { os: 'linux', headless: false },
] as const;
const AT_ONCE = 2;
const SEED = 6;

const stack = new AsyncDisposableStack();
let site: ProbeSite;
let service: Service;
let control: ProbeResult;

beforeAll(async () => {
  site = await startProbeSite(stack);
  [service, control] = await Promise.all([startService(stack, { WARM_POOL_SIZE: '0' }), probeUnmanaged(site, true)]);
});
afterAll(() => stack.disposeAsync());

interface Driven extends Seen {
  readonly outcome: ScriptOutcome;
}

async function lookAtDriven(options: CreateSession, drive: (typeof DRIVERS)[number]['drive']): Promise<Driven> {
  return withSession(service.api, options, async (session) => {
    const visit = site.openVisit();
    const outcome = await drive(session.cdpUrl ?? '', visit);
    const [detectors, probe] = [await visit.detected(), await visit.probed()];
    return { fingerprint: fingerprintOf(session), outcome, detectors, probe };
  });
}

describe.each(DRIVERS)('driven by unmodified $driver', ({ drive }) => {
  let all: PromiseSettledResult<Driven>[];
  beforeAll(async () => {
    all = await inParallel(SESSIONS, AT_ONCE, ({ os, headless }) =>
      lookAtDriven({ stealthLevel: 'advanced', headless, profile: { os, seed: SEED } }, drive),
    );
  });

  describe.each(SESSIONS)('a session of $os, headless $headless', ({ os }) => {
    const seen = (): Driven => {
      const outcome = all[SESSIONS.findIndex((each) => each.os === os)];
      if (outcome?.status === 'fulfilled') return outcome.value;
      throw new Error('The session could not be driven', { cause: outcome?.reason });
    };

    it('does what its script says', () => expect(seen().outcome).toEqual(EXPECTED_OUTCOME));
    it.each(EXPECTATIONS)('$title', ({ against }) => expect(against(seen(), control)).toEqual([]));
  });
});
