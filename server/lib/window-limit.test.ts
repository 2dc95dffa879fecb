import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { WindowLimit } from './window-limit.ts';

describe('a limit of so many in a window', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
  afterEach(() => void vi.useRealTimers());

  it('lets so many through, counts the others, and begins anew', () => {
    const limit = new WindowLimit({ most: 2, windowMs: 1_000 });
    expect([1, 2, 3, 4].map(() => limit.claim('one'))).toEqual([0, 0, undefined, undefined]);
    expect(limit.claim('other')).toBe(0);
    vi.advanceTimersByTime(1_000);
    expect([1, 2, 3].map(() => limit.claim('one'))).toEqual([2, 0, undefined]);
  });

  it('forgets what is no longer wanted', () => {
    const limit = new WindowLimit({ most: 1, windowMs: 1_000 });
    expect([limit.claim('one'), limit.claim('one')]).toEqual([0, undefined]);
    limit.keepOnly((key) => key !== 'one');
    expect(limit.claim('one')).toBe(0);
  });
});
