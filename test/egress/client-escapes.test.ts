import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openBattlefield, type Side } from './battlefield.ts';
import { CDP_ATTEMPTS } from './cdp-attempts.ts';
import { REST_ATTEMPTS } from './rest-attempts.ts';
import { type DriverOutcome, runDrivers } from './run-drivers.ts';

const DRIVERS = [...CDP_ATTEMPTS, ...REST_ATTEMPTS];
const NOBODY = { tcp: 0, udp: 0 };

const stack = new AsyncDisposableStack();
const outcomes = new Map<Side, ReadonlyMap<string, DriverOutcome>>();

function get(side: Side, title: string): DriverOutcome {
  const found = outcomes.get(side)?.get(title);
  if (found === undefined) throw new Error(`Nothing is known of ${title}`);
  return found;
}

beforeAll(async () => {
  const fields = [await openBattlefield(stack, 'held'), await openBattlefield(stack, 'open')];
  await Promise.all(fields.map(async (field) => outcomes.set(field.side, await runDrivers(field, DRIVERS))));
});
afterAll(() => stack.disposeAsync());

describe('a client of a session reaches nothing on loopback', () => {
  it.each(DRIVERS)('by $title', ({ title, ends }) => {
    const held = get('held', title);
    const open = get('open', title);
    expect(held.arrived, 'what has arrived').toEqual(NOBODY);
    if (ends === 'connection') expect(held.refusal?.data, 'the refusal').toMatchObject({ reason: 'address' });
    if (ends === 'connection' || ends === 'arrival') {
      expect(open.arrived.tcp, 'what arrives where it is allowed').toBeGreaterThan(0);
    } else {
      expect(open.arrived, 'what arrives where addresses are allowed').toEqual(NOBODY);
    }
    if (ends === 'command')
      expect(held.error, 'why it is not even tried').toMatch(
        /must match|Unsafe header|may not|is not on the list|only|cannot|refused|no page|tells|reads|opens|connects/i,
      );
    else expect(held.error, 'what went wrong').toBeUndefined();
  });
});
