import { describe, expect, it } from 'vitest';

import type { LiveSession } from './live-session.ts';
import type { SessionUse } from './session-repository.ts';
import { SessionUseRecorder } from './session-use-recorder.ts';

const AT = new Date('2026-01-02T03:04:05.000Z');

/** What is stored when `store` is called, for sessions that can be used. */
function recorderOf(uses: SessionUse[]): { store: () => Promise<string[]>; break: () => void } {
  const live = uses as unknown as LiveSession[];
  let stored: readonly SessionUse[] = [];
  let isBroken = false;
  const storeUse = async (given: readonly SessionUse[]): Promise<void> => {
    if (isBroken) throw new Error('The database is away');
    stored = given;
  };
  const recorder = new SessionUseRecorder({ sessions: { live }, rows: { storeUse } });
  return {
    break: () => (isBroken = !isBroken),
    store: async () => {
      stored = [];
      await recorder.storeAll();
      return stored.map(({ id }) => id);
    },
  };
}

describe('the recorder of use', () => {
  it('writes those that were used since the last time, and no others', async () => {
    const [one, other] = [
      { id: 'one', requestCount: 1, lastActivityAt: AT },
      { id: 'other', requestCount: 1, lastActivityAt: AT },
    ];
    const { store } = recorderOf([one, other]);
    expect(await store()).toEqual(['one', 'other']);
    expect(await store()).toEqual([]);
    one.requestCount += 1;
    expect(await store()).toEqual(['one']);
    other.lastActivityAt = new Date(AT.getTime() + 1);
    expect(await store()).toEqual(['other']);
  });

  it('writes what it could not write the next time', async () => {
    const { store, break: toggle } = recorderOf([{ id: 'one', requestCount: 1, lastActivityAt: AT }]);
    toggle();
    await expect(store()).rejects.toThrow('away');
    toggle();
    expect(await store()).toEqual(['one']);
  });
});
