import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { parseMessage } from './json-rpc.ts';

const call = { jsonrpc: '2.0', method: 'm' };

/** What became of each call of a message: its id, and the code it is refused with. */
function outcomes(message: unknown): (readonly [id: unknown, outcome: unknown])[] {
  const { calls } = parseMessage(typeof message === 'string' ? message : JSON.stringify(message));
  return calls.map((each) => [each.id, 'refusal' in each ? each.code : each.method]);
}

describe('parseMessage', () => {
  it('tells requests from notifications, which have no id at all', () => {
    expect(outcomes({ ...call, id: 1 })).toEqual([[1, 'm']]);
    expect(outcomes({ ...call, id: 'a' })).toEqual([['a', 'm']]);
    expect(outcomes({ ...call, id: null })).toEqual([[null, 'm']]);
    expect(outcomes(call)).toEqual([[undefined, 'm']]);
  });

  it('takes params of the structured kinds only, none for empty ones', () => {
    expect(parseMessage(JSON.stringify(call)).calls).toEqual([{ id: undefined, method: 'm', params: {} }]);
    for (const params of [{ a: 1 }, [1, 2]]) {
      expect(parseMessage(JSON.stringify({ ...call, id: 1, params })).calls).toEqual([{ id: 1, method: 'm', params }]);
    }
    for (const params of [null, 1, 'text', true]) {
      expect(outcomes({ ...call, id: 1, params })).toEqual([[1, -32_600]]);
    }
  });

  it('refuses what is no JSON, and what is JSON and no request, with the id where there is one', () => {
    expect(outcomes('{"jsonrpc": "2.0", "method"')).toEqual([[null, -32_700]]);
    expect(outcomes('')).toEqual([[null, -32_700]]);
    for (const value of [1, null, '"text"', true]) expect(outcomes(value)).toEqual([[null, -32_600]]);
    expect(outcomes({ id: 7, method: 'm' })).toEqual([[7, -32_600]]);
    expect(outcomes({ jsonrpc: '1.0', id: 7, method: 'm' })).toEqual([[7, -32_600]]);
    expect(outcomes({ jsonrpc: '2.0', id: 'x', method: 1 })).toEqual([['x', -32_600]]);
    expect(outcomes({ ...call, id: { a: 1 } })).toEqual([[null, -32_600]]);
  });

  it('takes a batch apart, each call by itself, and refuses one that is empty or too long as a whole', () => {
    expect(outcomes([1, { ...call, id: 1 }, call, []])).toEqual([
      [null, -32_600],
      [1, 'm'],
      [undefined, 'm'],
      [null, -32_600],
    ]);
    expect(parseMessage('[{}]').isBatch).toBe(true);
    for (const length of [0, 101]) {
      const message = parseMessage(JSON.stringify(Array.from({ length }, () => call)));
      expect(message).toMatchObject({ isBatch: false, calls: [{ id: null, code: -32_600 }] });
    }
    expect(outcomes(Array.from({ length: 100 }, () => call))).toHaveLength(100);
  });

  it('finds calls in anything, and throws at nothing', { timeout: 30_000 }, () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json(),
      fc.constantFrom('['.repeat(20_000), '{"a":'.repeat(20_000), '[1e400]', '{"__proto__":{"jsonrpc":"2.0"}}'),
    );
    fc.assert(
      fc.property(text, (message) => {
        const { calls, isBatch } = parseMessage(message);
        expect(calls.length).toBeGreaterThan(0);
        if (!isBatch) expect(calls).toHaveLength(1);
      }),
    );
  });
});
