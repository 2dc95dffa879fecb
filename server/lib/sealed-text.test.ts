import { randomBytes } from 'node:crypto';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { openText, sealText } from './sealed-text.ts';

describe('a sealed text', () => {
  it('opens with its key and context, and shows nothing of itself', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme', minLength: 4 }), async (text) => {
        const key = randomBytes(32);
        const sealed = await sealText(text, { key, context: 'a' });
        expect(sealed.includes(Buffer.from(text))).toBe(false);
        expect(await openText(sealed, { keys: [randomBytes(32), key], context: 'a' })).toBe(text);
      }),
      { numRuns: 50 },
    );
  });

  it('does not open as another one, nor when it was changed', async () => {
    const key = randomBytes(32);
    const sealed = await sealText('secret', { key, context: 'a' });
    const changed = Buffer.from(sealed);
    changed.writeUInt8(changed.readUInt8(changed.length - 1) ^ 1, changed.length - 1);
    await expect(openText(sealed, { keys: [key], context: 'b' })).rejects.toMatchObject({ reason: 'damaged' });
    await expect(openText(changed, { keys: [key], context: 'a' })).rejects.toMatchObject({ reason: 'damaged' });
    await expect(openText(sealed, { keys: [randomBytes(32)], context: 'a' })).rejects.toMatchObject({
      reason: 'unknownKey',
    });
  });
});
