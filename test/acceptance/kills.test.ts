import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Api } from './api.ts';
import { browserPid } from './cdp-client.ts';
import { startService } from './service.ts';

const KILLS = 100;
/** The promise: a session whose browser is gone is seen to be closed within a second. */
const PROMISED_MS = 1_000;
const GIVE_UP_MS = 20_000;
const POLL_MS = 5;
/** Between two kills, so that each meets a service that has nothing else to do. */
const PAUSE_MS = 100;

const stack = new AsyncDisposableStack();
let api: Api;

beforeAll(async () => {
  ({ api } = await startService(stack, { WARM_POOL_SIZE: '2' }));
});
afterAll(() => stack.disposeAsync());

/** Kills a session's browser; milliseconds until REST says that the session is closed for it. */
async function timeKill(): Promise<number> {
  const { id, cdpUrl } = await api.create();
  const pid = await browserPid(cdpUrl ?? '');
  const killedAt = performance.now();
  process.kill(pid, 'SIGKILL');
  for (;;) {
    const { state, closeReason } = await api.get(id);
    const tookMs = performance.now() - killedAt;
    if (state === 'CLOSED') {
      expect(closeReason).toBe('browser_crashed');
      return tookMs;
    }
    if (tookMs > GIVE_UP_MS) throw new Error(`Session ${id} is ${state} ${Math.round(tookMs)} ms after the kill`);
    await sleep(POLL_MS);
  }
}

describe('a session whose browser is killed', () => {
  it(
    `is seen closed with browser_crashed within a second, each of ${KILLS} times`,
    { timeout: 10 * 60_000 },
    async () => {
      const times: number[] = [];
      for (let kill = 0; kill < KILLS; kill += 1) {
        times.push(await timeKill());
        await sleep(PAUSE_MS);
      }
      const sorted = times.toSorted((one, other) => one - other);
      const at = (share: number): number => Math.round(sorted[Math.ceil(share * KILLS) - 1] ?? 0);
      process.stdout.write(`${KILLS} kills: closed after p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, max ${at(1)} ms\n`);
      expect(sorted.filter((tookMs) => tookMs >= PROMISED_MS)).toEqual([]);
    },
  );
});
