import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openBattlefield, type Side } from './battlefield.ts';
import { HOST_FORMS } from './host-forms.ts';
import { type FormOutcome, runForms } from './run-forms.ts';

const NOBODY = { tcp: 0, udp: 0 };

const stack = new AsyncDisposableStack();
const outcomes = new Map<Side, ReadonlyMap<string, FormOutcome>>();

function get(side: Side, title: string): FormOutcome {
  const found = outcomes.get(side)?.get(title);
  if (found === undefined) throw new Error(`Nothing is known of ${title}`);
  return found;
}

beforeAll(async () => {
  const fields = [await openBattlefield(stack, 'held'), await openBattlefield(stack, 'open')];
  await Promise.all(fields.map(async (field) => outcomes.set(field.side, await runForms(field))));
});
afterAll(() => stack.disposeAsync());

describe.each(HOST_FORMS)('a host written as $title ($host)', ({ title, host, isListened = false }) => {
  it.skipIf(host.includes('@'))('cannot be asked for by a page', () => {
    const { asked } = get('held', title);
    expect(asked?.arrived, 'what has arrived').toEqual(NOBODY);
    expect(asked?.refusal?.data, 'the refusal').toMatchObject({ reason: 'address' });
    if (!isListened) return;
    const open = get('open', title);
    expect(open.asked?.arrived.tcp, 'what arrives where it is allowed').toBeGreaterThan(0);
  });

  it('cannot be navigated to over REST', () => {
    const { navigated } = get('held', title);
    expect(navigated.arrived, 'what has arrived').toEqual(NOBODY);
    expect(navigated, 'the answer').toMatchObject({
      status: 422,
      problem: { code: 'EGRESS_REFUSED', reason: 'address' },
    });
    expect(navigated.refusal?.data, 'the refusal').toMatchObject({ reason: 'address' });
    if (!isListened) return;
    const open = get('open', title);
    expect(open.navigated.arrived.tcp, 'what arrives where it is allowed').toBeGreaterThan(0);
  });
});
