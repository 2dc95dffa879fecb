import { describe, expect, it } from 'vitest';

import { MemoryBudget } from './memory-budget.ts';

const MIB = 1_024 ** 2;

/** A budget over a machine whose memory the test decides. */
function openBudget(start: { availableMib: number; reserveMib?: number; warm?: number }): {
  budget: MemoryBudget;
  machine: { availableMib: number; warm: number; now: number };
} {
  const machine = { availableMib: start.availableMib, warm: start.warm ?? 0, now: 0 };
  const budget = new MemoryBudget({
    availableBytes: () => machine.availableMib * MIB,
    reserveBytes: (start.reserveMib ?? 500) * MIB,
    warmBrowsers: () => machine.warm,
    now: () => machine.now,
  });
  return { budget, machine };
}

/** Promises as many as there is room for. */
function promiseAll(budget: MemoryBudget): number {
  let promised = 0;
  while (promised < 1_000 && budget.hasRoomForSession) {
    budget.promise();
    promised += 1;
  }
  return promised;
}

describe('MemoryBudget', () => {
  it('does not promise the same memory twice', () => {
    const { budget } = openBudget({ availableMib: 1_500 });
    expect(promiseAll(budget)).toBe(5);
    expect(budget.promisedBytes).toBe(1_000 * MIB);
  });

  it('gives back what a create that failed was promised, once', () => {
    const { budget } = openBudget({ availableMib: 700 });
    const promise = budget.promise();
    expect(budget.hasRoomForSession).toBe(false);
    promise[Symbol.dispose]();
    promise[Symbol.dispose]();
    promise.settle();
    expect(budget.promisedBytes).toBe(0);
    expect(budget.hasRoomForSession).toBe(true);
  });

  it('counts on the system some seconds after a browser runs, and not before', () => {
    const { budget, machine } = openBudget({ availableMib: 700 });
    const promise = budget.promise();
    promise.settle();
    // Ended at once: the system may not have counted it, and may not have freed it.
    promise[Symbol.dispose]();
    expect(budget.hasRoomForSession).toBe(false);
    machine.now = 2_999;
    expect(budget.hasRoomForSession).toBe(false);
    machine.now = 3_000;
    expect(budget.hasRoomForSession).toBe(true);
  });

  it('counts warm browsers as room for sessions, never as room for more of them', () => {
    const { budget, machine } = openBudget({ availableMib: 500, warm: 4 });
    expect(promiseAll(budget)).toBe(2);
    expect(budget.isOvercommitted).toBe(true);
    expect(budget.hasRoomForWarm).toBe(false);
    machine.availableMib = 1_299;
    expect(budget.hasRoomForWarm).toBe(false);
    machine.availableMib = 1_300;
    expect(budget.hasRoomForWarm).toBe(true);
  });

  it('says when memory is short and how many warm browsers it takes', () => {
    const { budget, machine } = openBudget({ availableMib: 500 });
    expect([budget.isShort, budget.missingBrowsers]).toEqual([false, 0]);
    machine.availableMib = 499;
    expect([budget.isShort, budget.missingBrowsers]).toEqual([true, 1]);
    machine.availableMib = 250;
    expect(budget.missingBrowsers).toBe(3);
  });
});
