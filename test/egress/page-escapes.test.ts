import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openBattlefield, type Side } from './battlefield.ts';
import { NAVIGATION_ATTEMPTS } from './navigation-attempts.ts';
import { RESOURCE_ATTEMPTS } from './resource-attempts.ts';
import { type Outcome, runPages } from './run-pages.ts';

const PAGES = [...RESOURCE_ATTEMPTS, ...NAVIGATION_ATTEMPTS];
const NOBODY = { tcp: 0, udp: 0 };

const stack = new AsyncDisposableStack();
const outcomes = new Map<Side, ReadonlyMap<string, Outcome>>();

function get(side: Side, title: string): Outcome {
  const found = outcomes.get(side)?.get(title);
  if (found === undefined) throw new Error(`Nothing is known of ${title}`);
  return found;
}

beforeAll(async () => {
  const fields = [await openBattlefield(stack, 'held'), await openBattlefield(stack, 'open')];
  await Promise.all(fields.map(async (field) => outcomes.set(field.side, await runPages(field, PAGES))));
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
