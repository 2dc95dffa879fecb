import { describe, expect, it } from 'vitest';

import { SharedLook } from './shared-look.ts';

describe('a look that is shared', () => {
  it('is taken twice for all who ask at once, and never by two at a time', async () => {
    let looks = 0;
    let atOnce = 0;
    let most = 0;
    const shared = new SharedLook(async () => {
      atOnce += 1;
      most = Math.max(most, atOnce);
      await new Promise((resolve) => setTimeout(resolve, 5));
      atOnce -= 1;
      looks += 1;
      return looks;
    });
    // The first has begun when the others ask.
    expect(await Promise.all(Array.from({ length: 50 }, () => shared.see()))).toEqual([
      1,
      ...Array<number>(49).fill(2),
    ]);
    expect(await shared.see()).toBe(3);
    expect(most).toBe(1);
  });

  it('fails for those who shared it, and is taken anew after that', async () => {
    let fails = true;
    const shared = new SharedLook(() => (fails ? Promise.reject(new Error('blind')) : Promise.resolve('seen')));
    const [one, other] = await Promise.allSettled([shared.see(), shared.see()]);
    expect([one.status, other.status]).toEqual(['rejected', 'rejected']);
    fails = false;
    expect(await shared.see()).toBe('seen');
  });
});
