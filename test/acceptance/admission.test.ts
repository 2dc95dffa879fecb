import type { Session, Status } from '@guise/contract';
import { afterAll, describe, expect, it } from 'vitest';

import { type Api, expectStatus } from './api.ts';
import { expectProblem } from './problem.ts';
import { listBrowsers } from './processes.ts';
import { startService } from './service.ts';
import { until } from './until.ts';

const BURST = 50;
/** No answer of a live session may take longer while others start: it is slower than alone, not stuck. */
const LONGEST_ANSWER_MS = 5_000;
const MINUTE_MS = 60_000;

const stack = new AsyncDisposableStack();
afterAll(() => stack.disposeAsync());

const queued = (api: Api, length: number): Promise<Status['queue']> =>
  until(`${length} wait in line`, async () => {
    const { queue } = await api.status();
    return queue.waiting === length && queue;
  });

/** A create that may still be under way when its test has failed. */
function createLater(api: Api): Promise<Session> {
  const creating = api.create();
  // Whoever waits for it hears of the failure; nobody may.
  creating.catch(() => undefined);
  return creating;
}

/** Asks a session again and again, one question at a time, until stopped; gives how long each answer took. */
function sampleAnswers(api: Api, id: string): { stop: () => Promise<number[]> } {
  let isStopped = false;
  const samples: number[] = [];
  const run = async (): Promise<number[]> => {
    while (!isStopped) {
      const startedAt = performance.now();
      expect(await api.evaluate(id, '6 * 7')).toBe(42);
      samples.push(performance.now() - startedAt);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return samples.sort((one, other) => one - other);
  };
  const running = run();
  // Whoever stops it hears of the failure; nobody may before.
  running.catch(() => undefined);
  return {
    stop: () => {
      isStopped = true;
      return running;
    },
  };
}

function describeSamples(samples: readonly number[]): string {
  const at = (part: number): string => (samples[Math.floor(samples.length * part)] ?? 0).toFixed(1);
  return `p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, longest ${(samples.at(-1) ?? 0).toFixed(1)} ms, of ${samples.length}`;
}

describe('a burst of creates', () => {
  it(
    `of ${BURST} at once: all are served, a live session goes on answering, and nothing is left`,
    { timeout: 6 * MINUTE_MS },
    async () => {
      await using own = new AsyncDisposableStack();
      const service = await startService(own, { WARM_POOL_SIZE: '5', MAX_SESSIONS: '60' });
      const { api } = service;
      const live = await api.create();
      await until('the pool is full', async () => (await api.status()).warmPool.ready === 5);
      const before = sampleAnswers(api, live.id);
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      const alone = await before.stop();

      const during = sampleAnswers(api, live.id);
      const startedAt = performance.now();
      const sessions = await Promise.all(Array.from({ length: BURST }, () => api.create()));
      const tookSeconds = (performance.now() - startedAt) / 1_000;
      const beside = await during.stop();
      process.stdout.write(
        `${BURST} creates at once took ${tookSeconds.toFixed(1)} s; evaluate in a live session: ` +
          `before ${describeSamples(alone)}; during ${describeSamples(beside)}\n`,
      );
      expect(beside.at(-1)).toBeLessThan(LONGEST_ANSWER_MS);
      expect(new Set(sessions.map(({ cdpPort }) => cdpPort)).size).toBe(BURST);
      expect((await api.status()).sessions.live).toBe(BURST + 1);
      const [first, last] = [sessions[0], sessions.at(-1)];
      for (const session of [first, last]) expect(await api.evaluate(session?.id ?? '', '6 * 7')).toBe(42);

      await Promise.all([live, ...sessions].map(({ id }) => api.end(id)));
      await until(
        'only the browsers of the pool are left',
        async () => {
          const { warmPool, sessions: counted } = await api.status();
          return warmPool.ready === 5 && counted.live === 0 && listBrowsers(service.dataDir).length === 5;
        },
        { timeoutMs: MINUTE_MS },
      );
    },
  );
});

describe('the line of a full node', () => {
  it('is shown in the status, and everybody moves up as places become free or others go away', async () => {
    await using own = new AsyncDisposableStack();
    const settings = { MAX_SESSIONS: '1', QUEUE_LIMIT: '5', QUEUE_TIMEOUT_MS: '60000', WARM_POOL_SIZE: '1' };
    const { api, address } = await startService(own, settings);
    const holder = await api.create();
    const first = createLater(api);
    await queued(api, 1);
    const impatient = new AbortController();
    const leaving = fetch(`${address}/api/sessions`, { method: 'POST', signal: impatient.signal });
    leaving.catch(() => undefined);
    await queued(api, 2);
    const last = createLater(api);
    const full = await queued(api, 3);
    expect(full).toMatchObject({ limit: 5, timeoutMs: 60_000 });
    expect(full.entries.map(({ position, priority }) => [position, priority])).toEqual([
      [1, 0],
      [2, 0],
      [3, 0],
    ]);
    const waited = full.entries.map(({ waitedMs }) => waitedMs);
    expect(waited).toEqual(waited.toSorted((one, other) => other - one));
    const lastId = full.entries[2]?.sessionId;

    impatient.abort();
    const shorter = await queued(api, 2);
    expect(shorter.entries.find(({ sessionId }) => sessionId === lastId)?.position).toBe(2);
    await api.end(holder.id);
    const shortest = await queued(api, 1);
    expect(shortest.entries).toMatchObject([{ position: 1, sessionId: lastId }]);
    await first;
    expect((await api.status()).sessions).toMatchObject({ live: 1, queued: 1, queueLimit: 5 });
    await api.end((await first).id);
    expect((await last).id).toBe(lastId);
    expect((await api.status()).queue).toMatchObject({ waiting: 0, entries: [] });
    await api.end((await last).id);
  });
});

describe('a node without memory to spare', () => {
  it('refuses creates with 429 that names memory, keeps no warm browser, and lives', async () => {
    await using own = new AsyncDisposableStack();
    // More than any machine has: nothing is ever free beyond it.
    const settings = { MEMORY_RESERVE_MB: '10000000', QUEUE_TIMEOUT_MS: '1500', QUEUE_LIMIT: '1', WARM_POOL_SIZE: '2' };
    const service = await startService(own, settings);
    const { api } = service;
    const waiting = api.call('POST', '/api/sessions');
    await queued(api, 1);
    const atOnce = await api.call('POST', '/api/sessions');
    for (const answer of [atOnce, await waiting]) {
      const { detail, retryAfterSeconds, retryable } = expectProblem(answer, 429, 'CAPACITY_EXHAUSTED');
      expect(detail).toMatch(/^Memory is short: .* 10000000 MB/);
      expect([retryable, answer.headers['retry-after']]).toEqual([true, String(retryAfterSeconds)]);
      expect(retryAfterSeconds).toBeGreaterThan(0);
    }
    const { warmPool, memory, sessions } = await api.status();
    expect(warmPool).toMatchObject({ size: 2, ready: 0, starting: 0, isPaused: true });
    expect(memory).toMatchObject({ reserveMb: 10_000_000, promisedMb: 0 });
    expect(memory.availableMb).toBeGreaterThan(0);
    expect(sessions.live).toBe(0);
    expect(listBrowsers(service.dataDir)).toEqual([]);
    for (const path of ['/health/live', '/health/ready', '/health']) {
      expect([path, (await api.call('GET', path)).status]).toEqual([path, 200]);
    }
    // Said once, however often it was looked at.
    expect(service.log().match(/memory is short/g)).toHaveLength(1);
    const rows = expectStatus<{ sessions: Session[] }>(await api.call('GET', '/api/sessions'), 200);
    expect(rows.sessions).toEqual([]);
  });
});
