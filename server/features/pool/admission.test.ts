import { describe, expect, it } from 'vitest';

import { AppError } from '../../lib/app-error.ts';
import { Admission, type Place } from './admission.ts';
import { MemoryBudget } from './memory-budget.ts';
import { PROMISED_PRIORITY } from './waiting-line.ts';

const MIB = 1_024 ** 2;
const NEVER = new AbortController().signal;

/** An admission on a machine whose memory and clock the test decides. */
function openAdmission(options: Partial<{ limit: number; queueLimit: number; queueTimeoutMs: number }> = {}): {
  admission: Admission;
  machine: { availableMib: number; warm: number; now: number };
} {
  const machine = { availableMib: 100_000, warm: 0, now: 0 };
  const now = (): number => machine.now;
  const memory = new MemoryBudget({
    availableBytes: () => machine.availableMib * MIB,
    reserveBytes: 512 * MIB,
    warmBrowsers: () => machine.warm,
    now,
  });
  const limits = { limit: 1, queueLimit: 10, queueTimeoutMs: 30_000, ...options };
  return { admission: new Admission({ ...limits, memory, now }), machine };
}

async function refusalOf(promise: Promise<unknown>): Promise<AppError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(AppError);
  return error as AppError;
}

/** Lets everybody who waits through, one at a time, and gives the order in which they came. */
async function serve(admission: Admission, waits: readonly Promise<Place>[], holder: Place): Promise<string[]> {
  const order: string[] = [];
  const planned = admission.waitingList(waits.length).map(({ sessionId }) => sessionId);
  const all = waits.map(async (wait, index) => {
    using _place = await wait;
    order.push(String(index));
  });
  holder[Symbol.dispose]();
  await Promise.all(all);
  expect(admission).toMatchObject({ taken: 0, waiting: 0 });
  expect(planned).toEqual(order);
  return order;
}

describe('Admission', () => {
  it('refuses when the line is full, and says when to come back', async () => {
    const { admission } = openAdmission({ queueLimit: 1 });
    const held = await admission.acquire({ sessionId: 'a' }, NEVER);
    const waiting = admission.acquire({ sessionId: 'b' }, NEVER);
    const refusal = await refusalOf(admission.acquire({ sessionId: 'c' }, NEVER));
    expect(refusal).toMatchObject({ code: 'CAPACITY_EXHAUSTED', extensions: { retryAfterSeconds: 30 } });
    held[Symbol.dispose]();
    (await waiting)[Symbol.dispose]();
    expect(admission).toMatchObject({ taken: 0, waiting: 0 });
  });

  it('takes what was promised already into a line that is full, or may have nobody in it', async () => {
    for (const queueLimit of [0, 1]) {
      const { admission } = openAdmission({ queueLimit });
      const held = await admission.acquire({ sessionId: 'held' }, NEVER);
      const waits = Array.from({ length: queueLimit }, () =>
        admission.acquire({ sessionId: 'new', priority: 10 }, NEVER),
      );
      const promised = admission.acquire({ sessionId: 'promised', priority: PROMISED_PRIORITY }, NEVER);
      await refusalOf(admission.acquire({ sessionId: 'late', priority: 10 }, NEVER));
      held[Symbol.dispose]();
      (await promised)[Symbol.dispose]();
      for (const wait of waits) (await wait)[Symbol.dispose]();
      expect(admission).toMatchObject({ taken: 0, waiting: 0 });
    }
  });

  it('refuses who has waited too long', async () => {
    const { admission } = openAdmission({ queueTimeoutMs: 5 });
    using _held = await admission.acquire({ sessionId: 'a' }, NEVER);
    const refusal = await refusalOf(admission.acquire({ sessionId: 'b' }, NEVER));
    expect(refusal).toMatchObject({ code: 'CAPACITY_EXHAUSTED', extensions: { retryAfterSeconds: 1 } });
    expect(admission.waiting).toBe(0);
  });

  it('refuses everybody once it is closed, also those in line', async () => {
    const { admission } = openAdmission();
    using _held = await admission.acquire({ sessionId: 'a' }, NEVER);
    const waiting = admission.acquire({ sessionId: 'b' }, NEVER);
    admission.close();
    expect(await refusalOf(waiting)).toMatchObject({ code: 'SHUTTING_DOWN' });
    expect(await refusalOf(admission.acquire({ sessionId: 'c' }, NEVER))).toMatchObject({ code: 'SHUTTING_DOWN' });
  });

  it('gives a place back once, however often it is disposed', async () => {
    const { admission } = openAdmission({ limit: 2 });
    const place = await admission.acquire({ sessionId: 'a' }, NEVER);
    await admission.acquire({ sessionId: 'b' }, NEVER);
    place[Symbol.dispose]();
    place[Symbol.dispose]();
    expect(admission.taken).toBe(1);
  });

  it('lets nobody overtake those who wait', async () => {
    const { admission } = openAdmission({ limit: 2 });
    const holder = await admission.acquire({ sessionId: 'holder' }, NEVER);
    await admission.acquire({ sessionId: 'other' }, NEVER);
    const first = admission.acquire({ sessionId: 'first' }, NEVER);
    holder[Symbol.dispose]();
    const second = admission.acquire({ sessionId: 'second' }, NEVER);
    expect(admission.waitingList(10)).toMatchObject([{ position: 1, sessionId: 'second' }]);
    (await first)[Symbol.dispose]();
    (await second)[Symbol.dispose]();
  });

  it('forgets who goes away, and those behind move up', async () => {
    const { admission, machine } = openAdmission();
    const held = await admission.acquire({ sessionId: 'held' }, NEVER);
    const gone = new AbortController();
    const leaving = admission.acquire({ sessionId: 'leaving' }, gone.signal);
    machine.now = 400;
    const staying = admission.acquire({ sessionId: 'staying', priority: -1 }, NEVER);
    machine.now = 1_000;
    expect(admission.waitingList(10)).toEqual([
      { position: 1, sessionId: 'leaving', priority: 0, waitedMs: 1_000 },
      { position: 2, sessionId: 'staying', priority: -1, waitedMs: 600 },
    ]);
    gone.abort(new Error('gone'));
    await expect(leaving).rejects.toThrow('gone');
    expect(admission.waitingList(10)).toMatchObject([{ position: 1, sessionId: 'staying' }]);
    await expect(admission.acquire({ sessionId: 'late' }, gone.signal)).rejects.toThrow('gone');
    held[Symbol.dispose]();
    (await staying)[Symbol.dispose]();
    expect(admission).toMatchObject({ taken: 0, waiting: 0 });
  });

  it('serves higher priorities first, and one priority in the order of arrival', async () => {
    const { admission, machine } = openAdmission();
    const holder = await admission.acquire({ sessionId: 'holder' }, NEVER);
    const waits = [0, 2, 1, 2, 0].map((priority, index) => {
      machine.now += 1;
      return admission.acquire({ sessionId: String(index), priority }, NEVER);
    });
    expect(await serve(admission, waits, holder)).toEqual(['1', '3', '2', '0', '4']);
  });

  it('lets nobody be overtaken by priority who has waited ten seconds longer for each step', async () => {
    const { admission, machine } = openAdmission();
    const holder = await admission.acquire({ sessionId: 'holder' }, NEVER);
    const arrivals = [
      { atMs: 0, priority: 0 },
      { atMs: 9_999, priority: 1 },
      { atMs: 10_001, priority: 1 },
      { atMs: 20_001, priority: 2 },
      { atMs: 20_002, priority: 3 },
    ];
    const waits = arrivals.map(({ atMs, priority }, index) => {
      machine.now = atMs;
      return admission.acquire({ sessionId: String(index), priority }, NEVER);
    });
    expect(await serve(admission, waits, holder)).toEqual(['4', '1', '0', '2', '3']);
  });

  it('estimates from the pace at which places became free how long the line will take', async () => {
    const { admission, machine } = openAdmission({ queueLimit: 3 });
    for (const now of [0, 2_000, 4_000]) {
      const place = await admission.acquire({ sessionId: 'short' }, NEVER);
      machine.now = now;
      place[Symbol.dispose]();
    }
    const holder = await admission.acquire({ sessionId: 'holder' }, NEVER);
    const waits = ['0', '1', '2'].map((sessionId) => admission.acquire({ sessionId }, NEVER));
    const refusal = await refusalOf(admission.acquire({ sessionId: 'x' }, NEVER));
    expect(refusal.extensions.retryAfterSeconds).toBe(8);
    machine.now = 600_000;
    const later = await refusalOf(admission.acquire({ sessionId: 'x' }, NEVER));
    expect(later.extensions.retryAfterSeconds).toBe(30);
    await serve(admission, waits, holder);
  });

  it('lets no more in than there is memory for, and says that it is memory', async () => {
    const { admission, machine } = openAdmission({ limit: 50, queueLimit: 46, queueTimeoutMs: 50 });
    machine.availableMib = 512 + 4 * 200;
    const outcomes = Array.from({ length: 50 }, (_, index) =>
      admission.acquire({ sessionId: String(index) }, NEVER).then(
        () => 'taken',
        (error: unknown) => (error as AppError).message,
      ),
    );
    expect(admission).toMatchObject({ taken: 4, waiting: 46 });
    const refusals = (await Promise.all(outcomes)).filter((each) => each !== 'taken');
    expect(refusals).toHaveLength(46);
    for (const each of refusals) expect(each).toMatch(/^Memory is short: .* less than 512 MB/);
  });

  it('lets in those who wait for memory when there is some, and forgets a promise that came true', async () => {
    const { admission, machine } = openAdmission({ limit: 50 });
    machine.availableMib = 712;
    const first = await admission.acquire({ sessionId: 'first' }, NEVER);
    const second = admission.acquire({ sessionId: 'second' }, NEVER);
    first.browserRuns();
    // The system may not have counted it yet: that it says as much is left as before means nothing for some seconds.
    admission.review();
    expect(admission.waiting).toBe(1);
    machine.now = 3_000;
    admission.review();
    expect(admission.waiting).toBe(0);
    (await second)[Symbol.dispose]();
  });

  it('lets in who waits for memory before who comes when there is some', async () => {
    const { admission, machine } = openAdmission({ limit: 50 });
    machine.availableMib = 512;
    const first = admission.acquire({ sessionId: 'first' }, NEVER);
    machine.availableMib = 712;
    const second = admission.acquire({ sessionId: 'second' }, NEVER);
    expect(admission.waitingList(10)).toMatchObject([{ sessionId: 'second' }]);
    // The first one fails before it has a browser: what was set aside for it is the second one's.
    (await first)[Symbol.dispose]();
    (await second)[Symbol.dispose]();
  });

  it('lets in who can have a warm browser although there is no memory for another', async () => {
    const { admission, machine } = openAdmission({ limit: 50, queueLimit: 0 });
    machine.availableMib = 600;
    await refusalOf(admission.acquire({ sessionId: 'none' }, NEVER));
    machine.warm = 2;
    using _place = await admission.acquire({ sessionId: 'warm' }, NEVER);
    await refusalOf(admission.acquire({ sessionId: 'none' }, NEVER));
  });
});
