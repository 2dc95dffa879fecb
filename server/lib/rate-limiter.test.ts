import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { LocalRateLimiter } from './rate-limiter.ts';

const MINUTE = { windowMs: 60_000 };

describe('LocalRateLimiter', () => {
  it('lets so many through, and the next when it has said', async () => {
    let now = 5_000;
    const limiter = new LocalRateLimiter(() => now);
    const limit = { ...MINUTE, most: 3 };
    for (let taken = 0; taken < 3; taken += 1) expect((await limiter.take('a', limit)).isAllowed).toBe(true);
    const { isAllowed, retryAfterMs } = await limiter.take('a', limit);
    expect(isAllowed).toBe(false);
    expect((await limiter.take('b', limit)).isAllowed).toBe(true);
    now += retryAfterMs - 1;
    expect((await limiter.take('a', limit)).isAllowed).toBe(false);
    now += 1;
    expect((await limiter.take('a', limit)).isAllowed).toBe(true);
  });

  it('never lets more through in a span, and keeps nobody out for long', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 200 }),
        async (most, pauses) => {
          let now = 0;
          const limiter = new LocalRateLimiter(() => now);
          const passed: number[] = [];
          for (const pause of pauses) {
            now += pause;
            const { isAllowed } = await limiter.take('a', { ...MINUTE, most });
            const recent = passed.filter((at) => at > now - 60_000).length;
            if (isAllowed) expect(recent).toBeLessThan(most);
            // A slot is a second: with what went through a second earlier it may still be full.
            else expect(passed.filter((at) => at > now - 61_000).length).toBe(most);
            if (isAllowed) passed.push(now);
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});
