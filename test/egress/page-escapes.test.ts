import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Battlefield, openBattlefield } from './battlefield.ts';
import { NAVIGATION_ATTEMPTS } from './navigation-attempts.ts';
import { RESOURCE_ATTEMPTS } from './resource-attempts.ts';
import { type Outcome, runPages } from './run-pages.ts';

const ATTEMPTS = [...RESOURCE_ATTEMPTS, ...NAVIGATION_ATTEMPTS];

const stack = new AsyncDisposableStack();
let held: ReadonlyMap<string, Outcome>;
let open: ReadonlyMap<string, Outcome>;

beforeAll(async () => {
  const fields: Battlefield[] = [await openBattlefield(stack, 'held'), await openBattlefield(stack, 'open')];
  const outcomes: ReadonlyMap<string, Outcome>[] = [];
  for (const field of fields) outcomes.push(await runPages(field, ATTEMPTS));
  [held = new Map<string, Outcome>(), open = new Map<string, Outcome>()] = outcomes;
});
afterAll(() => stack.disposeAsync());

describe('a page of a session reaches nothing on loopback', () => {
  it.each(ATTEMPTS)('by $title', ({ title }) => {
    expect(held.get(title)?.arrived, 'what has arrived').toEqual({ tcp: 0, udp: 0 });
    expect(held.get(title)?.refusal?.data, 'the refusal').toMatchObject({ host: '127.0.0.1', reason: 'address' });
    expect(open.get(title)?.arrived.tcp, 'what arrives where it is allowed').toBeGreaterThan(0);
  });
});
