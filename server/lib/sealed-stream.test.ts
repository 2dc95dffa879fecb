import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { openSealed, SealError, sealStream } from './sealed-stream.ts';

const KEY = randomBytes(32);
const CHUNK = 64 * 1024;

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

function seal(bytes: Uint8Array, context = 'a', pieceSize = 10_000): Promise<Buffer> {
  return buffer(sealStream(inPieces(bytes, pieceSize), { key: KEY, context }));
}

function open(bytes: Uint8Array, { context = 'a', keys = [KEY], pieceSize = 7_777 } = {}): Promise<Buffer> {
  return buffer(openSealed(inPieces(bytes, pieceSize), { keys, context }));
}

describe('sealed streams', () => {
  it('give back every content, however it is cut into pieces', async () => {
    const size = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: CHUNK - 2, max: CHUNK + 2 }));
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(size, fc.integer({ min: 0, max: 3 })),
        fc.integer({ min: 1, max: 200_000 }),
        fc.integer({ min: 1, max: 200_000 }),
        async ([rest, chunks], sealPieces, openPieces) => {
          const plain = randomBytes(rest + chunks * CHUNK);
          const sealed = await seal(plain, 'a', Math.max(sealPieces, plain.length >> 8, 1));
          const opened = await open(sealed, { pieceSize: Math.max(openPieces, sealed.length >> 8) });
          expect(opened.equals(plain)).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('show nothing of their content, and are different each time', async () => {
    const plain = Buffer.alloc(1_000, 'secret');
    const [one, other] = await Promise.all([seal(plain), seal(plain)]);
    expect(one.includes('secret')).toBe(false);
    expect(one.subarray(48).equals(other.subarray(48))).toBe(false);
  });

  it('refuse to be cut short anywhere, at the border of a chunk too', async () => {
    const sealed = await seal(randomBytes(2 * CHUNK + 100));
    const chunk = CHUNK + 16;
    for (const end of [0, 5, 47, 48, 60, 48 + chunk, 48 + 2 * chunk, 48 + 2 * chunk + 16, sealed.length - 1]) {
      await expect(open(sealed.subarray(0, end)), `cut at ${end}`).rejects.toMatchObject({ reason: 'damaged' });
    }
    await expect(open(Buffer.concat([sealed, Buffer.from('x')]))).rejects.toBeInstanceOf(SealError);
  });

  it('refuse a change of any byte, and chunks in another order', async () => {
    const sealed = await seal(randomBytes(3_000));
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: sealed.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        async (at, bits) => {
          const changed = Buffer.from(sealed);
          changed.writeUInt8((changed[at] ?? 0) ^ bits, at);
          await expect(open(changed)).rejects.toBeInstanceOf(SealError);
        },
      ),
      { numRuns: 60 },
    );
    const long = await seal(randomBytes(3 * CHUNK));
    const chunkAt = (index: number): Buffer =>
      long.subarray(48 + index * (CHUNK + 16), 48 + (index + 1) * (CHUNK + 16));
    const swapped = Buffer.concat([long.subarray(0, 48), chunkAt(1), chunkAt(0), chunkAt(2)]);
    await expect(open(swapped)).rejects.toMatchObject({ reason: 'damaged' });
  });

  it('open only as what they were sealed as, and with any of the keys there are', async () => {
    const sealed = await seal(Buffer.from('x'), 'profile 1');
    await expect(open(sealed, { context: 'profile 2' })).rejects.toMatchObject({ reason: 'damaged' });
    await expect(open(sealed, { context: 'profile 1', keys: [randomBytes(32)] })).rejects.toMatchObject({
      reason: 'unknownKey',
    });
    expect((await open(sealed, { context: 'profile 1', keys: [randomBytes(32), KEY] })).toString()).toBe('x');
  });
});
