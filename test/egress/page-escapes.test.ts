import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { AHEAD_ATTEMPTS, IDLE_ATTEMPTS } from './ahead-attempts.ts';
import { openBattlefield, type Side } from './battlefield.ts';
import { NAVIGATION_ATTEMPTS } from './navigation-attempts.ts';
import { RESOURCE_ATTEMPTS } from './resource-attempts.ts';
import { type Outcome, runPages } from './run-pages.ts';

const PAGES = [...RESOURCE_ATTEMPTS, ...NAVIGATION_ATTEMPTS, ...AHEAD_ATTEMPTS];
const NOBODY = { tcp: 0, udp: 0 };

const stack = new AsyncDisposableStack();
const outcomes = new Map<Side, ReadonlyMap<string, Outcome>>();
let idle: ReadonlyMap<string, Outcome>;

function get(side: Side, title: string): Outcome {
  const found = outcomes.get(side)?.get(title);
  if (found === undefined) throw new Error(`Nothing is known of ${title}`);
  return found;
}

beforeAll(async () => {
  const fields = [await openBattlefield(stack, 'held'), await openBattlefield(stack, 'open')] as const;
  await Promise.all(fields.map(async (field) => outcomes.set(field.side, await runPages(field, PAGES))));
  idle = await runPages(fields[0], IDLE_ATTEMPTS);
});
afterAll(() => stack.disposeAsync());

describe('a page of a session reaches nothing on loopback', () => {
  it.each(PAGES)('by $title', ({ title }) => {
    const { arrived, refusal } = get('held', title);
    expect(arrived, 'what has arrived').toEqual(NOBODY);
    expect(refusal?.data, 'the refusal').toMatchObject({ host: '127.0.0.1', reason: 'address' });
    const open = get('open', title);
    expect(open.arrived.tcp, 'what arrives where it is allowed').toBeGreaterThan(0);
  });
});

describe('what only another browser, or this one some day, might do', () => {
  it.each(IDLE_ATTEMPTS)('reaches nothing either: $title', ({ title }) => {
    expect(idle.get(title)?.arrived).toEqual(NOBODY);
  });
});
