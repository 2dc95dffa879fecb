import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openBattlefield, type Side, SIDES } from './battlefield.ts';
import { CDP_ATTEMPTS } from './cdp-attempts.ts';
import { HOST_FORMS } from './host-forms.ts';
import { NAVIGATION_ATTEMPTS } from './navigation-attempts.ts';
import { RESOURCE_ATTEMPTS } from './resource-attempts.ts';
import { REST_ATTEMPTS } from './rest-attempts.ts';
import { type DriverOutcome, runDrivers } from './run-drivers.ts';
import { type FormOutcome, runForms } from './run-forms.ts';
import { type Outcome, runPages } from './run-pages.ts';

const PAGES = [...RESOURCE_ATTEMPTS, ...NAVIGATION_ATTEMPTS];
const DRIVERS = [...CDP_ATTEMPTS, ...REST_ATTEMPTS];
const NOBODY = { tcp: 0, udp: 0 };

interface Outcomes {
  readonly pages: ReadonlyMap<string, Outcome>;
  readonly forms: ReadonlyMap<string, FormOutcome>;
  readonly drivers: ReadonlyMap<string, DriverOutcome>;
}

const stack = new AsyncDisposableStack();
const outcomes = new Map<Side, Outcomes>();

function get<Value>(side: Side, kind: (all: Outcomes) => ReadonlyMap<string, Value>, title: string): Value {
  const all = outcomes.get(side);
  const found = all && kind(all).get(title);
  if (found === undefined) throw new Error(`Nothing is known of ${title}`);
  return found;
}

beforeAll(async () => {
  const fields = [await openBattlefield(stack, 'held'), await openBattlefield(stack, 'open')];
  // One session in each at a time.
  await Promise.all(
    fields.map(async (field) => {
      const pages = await runPages(field, PAGES);
      const forms = await runForms(field);
      outcomes.set(field.side, { pages, forms, drivers: await runDrivers(field, DRIVERS) });
    }),
  );
});
afterAll(() => stack.disposeAsync());

it('has a title of its own for every attempt', () => {
  for (const attempts of [PAGES, HOST_FORMS, DRIVERS]) {
    expect(new Set(attempts.map(({ title }) => title)).size).toBe(attempts.length);
  }
  expect(outcomes.size).toBe(SIDES.length);
});

describe('a page of a session reaches nothing on loopback', () => {
  it.each(PAGES)('by $title', ({ title }) => {
    const { arrived, refusal } = get('held', ({ pages }) => pages, title);
    expect(arrived, 'what has arrived').toEqual(NOBODY);
    expect(refusal?.data, 'the refusal').toMatchObject({ host: '127.0.0.1', reason: 'address' });
    const open = get('open', ({ pages }) => pages, title);
    expect(open.arrived.tcp, 'what arrives where it is allowed').toBeGreaterThan(0);
  });
});

describe.each(HOST_FORMS)('a host written as $title ($host)', ({ title, host, isListened = false }) => {
  it.skipIf(host.includes('@'))('cannot be asked for by a page', () => {
    const { asked } = get('held', ({ forms }) => forms, title);
    expect(asked?.arrived, 'what has arrived').toEqual(NOBODY);
    expect(asked?.refusal?.data, 'the refusal').toMatchObject({ reason: 'address' });
    if (!isListened) return;
    const open = get('open', ({ forms }) => forms, title);
    expect(open.asked?.arrived.tcp, 'what arrives where it is allowed').toBeGreaterThan(0);
  });

  it('cannot be navigated to over REST', () => {
    const { navigated } = get('held', ({ forms }) => forms, title);
    expect(navigated.arrived, 'what has arrived').toEqual(NOBODY);
    expect(navigated, 'the answer').toMatchObject({
      status: 422,
      problem: { code: 'EGRESS_REFUSED', reason: 'address' },
    });
    expect(navigated.refusal?.data, 'the refusal').toMatchObject({ reason: 'address' });
    if (!isListened) return;
    const open = get('open', ({ forms }) => forms, title);
    expect(open.navigated.arrived.tcp, 'what arrives where it is allowed').toBeGreaterThan(0);
  });
});

describe('a client of a session reaches nothing on loopback', () => {
  it.each(DRIVERS)('by $title', ({ title, ends }) => {
    const held = get('held', ({ drivers }) => drivers, title);
    const open = get('open', ({ drivers }) => drivers, title);
    expect(held.arrived, 'what has arrived').toEqual(NOBODY);
    if (ends === 'connection') expect(held.refusal?.data, 'the refusal').toMatchObject({ reason: 'address' });
    if (ends === 'connection' || ends === 'arrival') {
      expect(open.arrived.tcp, 'what arrives where it is allowed').toBeGreaterThan(0);
    } else {
      expect(open.arrived, 'what arrives where addresses are allowed').toEqual(NOBODY);
    }
    if (ends === 'command')
      expect(held.error, 'why it is not even tried').toMatch(
        /may not|is not on the list|only|cannot|refused|no page|tells|reads|opens|connects/i,
      );
    else expect(held.error, 'what went wrong').toBeUndefined();
  });
});
