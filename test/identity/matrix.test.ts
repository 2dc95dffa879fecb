import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Service, startService } from '../acceptance/service.ts';
import { probeUnmanaged } from './control.ts';
import { EXPECTATIONS } from './expectations.ts';
import { inParallel } from './in-parallel.ts';
import type { ProbeResult } from './probe-run.ts';
import { type ProbeSite, startProbeSite } from './probe-site.ts';
import { lookAtNew, type Seen } from './visit.ts';

const SYSTEMS = ['windows', 'macos', 'android', 'linux'] as const;
const MODES = [
  { mode: 'headless', headless: true },
  { mode: 'with a window', headless: false },
] as const;
const SEEDS = [1, 2, 3, 4, 5];
/** One for each core of a small machine: more would only wait for each other. */
const AT_ONCE = 2;

const stack = new AsyncDisposableStack();
let site: ProbeSite;
let service: Service;

beforeAll(async () => {
  site = await startProbeSite(stack);
  service = await startService(stack, { WARM_POOL_SIZE: '0' });
});
afterAll(() => stack.disposeAsync());

describe.each(MODES)('$mode', ({ headless }) => {
  // With a window and without, a profile is the same visitor.
  const visitorIds = new Map<string, string>();
  let control: ProbeResult;
  beforeAll(async () => {
    control = await probeUnmanaged(site, headless);
  });

  describe.each(SYSTEMS)('%s', (os) => {
    let all: PromiseSettledResult<Seen>[];
    beforeAll(async () => {
      all = await inParallel(SEEDS, AT_ONCE, (seed) =>
        lookAtNew(service.api, { stealthLevel: 'advanced', headless, profile: { os, seed } }, site),
      );
    });

    describe.each(SEEDS)('profile of seed %i', (seed) => {
      const seen = (): Seen => {
        const outcome = all[SEEDS.indexOf(seed)];
        if (outcome?.status === 'fulfilled') return outcome.value;
        throw new Error('The session could not be looked at', { cause: outcome?.reason });
      };

      it('is of the system that was asked for', () => expect(seen().fingerprint?.os).toBe(os));
      it.each(EXPECTATIONS)('$title', ({ against }) => expect(against(seen(), control)).toEqual([]));
      it('is a visitor of its own to FingerprintJS', () => {
        const { fingerprintjs } = seen().detectors;
        const id = 'visitorId' in fingerprintjs ? fingerprintjs.visitorId : '';
        expect(id, JSON.stringify(fingerprintjs)).not.toBe('');
        expect(visitorIds.get(id), 'the profile with the same id').toBeUndefined();
        visitorIds.set(id, `${os} ${seed}`);
      });
    });
  });
});
