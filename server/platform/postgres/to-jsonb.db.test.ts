import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { openTestDatabase } from '../../testing/test-database.ts';
import { toJsonb } from './to-jsonb.ts';

describe('JSON for the database', () => {
  it.each([
    ['a\u0000b', 'a\ufffdb'],
    ['\ud83d', '\ufffd'],
    ['\ude00\ud83d', '\ufffd\ufffd'],
    ['\u{1f600}', '\u{1f600}'],
    ['\\u0000', '\\u0000'],
    ['\\\u0000', '\\\ufffd'],
    ['"\n\\ud800', '"\n\\ud800'],
  ])('keeps of %j what can be kept', (text, kept) => {
    expect(JSON.parse(toJsonb({ [text]: text }))).toEqual({ [kept]: kept });
  });

  it('is taken, whatever text is in it', async () => {
    await using stack = new AsyncDisposableStack();
    const db = await openTestDatabase(stack);
    const text = fc.string({ unit: 'binary', maxLength: 40 });
    const loose = fc.array(fc.integer({ min: 0, max: 0xff_ff }), { maxLength: 12 });
    const units = loose.map((codes) => String.fromCharCode(...codes));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(text, units)), async (texts) => {
        const value = Object.fromEntries(texts.map((each) => [`k${each}`, each]));
        const json = toJsonb({ value, texts });
        const [row] = await db.query<{ kept: unknown }>('select $1::jsonb as kept', [json]);
        expect(row?.kept).toEqual(JSON.parse(json));
      }),
      { numRuns: 300 },
    );
  });
});
