import { describe, expect, it } from 'vitest';

import type { LiveSession } from './live-session.ts';
import { SessionRecycler } from './session-recycler.ts';

/** What a session that was taken over after 25 requests, and has served 3 since, is held to its limit by. */
function countedOf(recycle: LiveSession['recycle']): number {
  const deps = { journal: {}, ender: {}, logger: {}, relaunch: () => Promise.reject(new Error('not asked for')) };
  const recycler = new SessionRecycler(deps as unknown as ConstructorParameters<typeof SessionRecycler>[0]);
  return recycler.requestsSinceStart({ recycle, requestCount: 28, requestsBefore: 25 });
}

describe('the limit of requests of a session that was taken over', () => {
  it('counts all of them where it would be closed', () => {
    expect(countedOf('close')).toBe(28);
  });

  it('begins anew where its browser would be restarted, which may have happened before', () => {
    expect(countedOf('restart')).toBe(3);
  });
});
