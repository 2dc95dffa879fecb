import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { closeFrame, FrameBoundary } from './frame-boundary.ts';

/** A frame built by the letter of RFC 6455, to hold the tracker against. */
function frame(options: { opcode: number; length: number; masked: boolean }): Buffer {
  const { opcode, length, masked } = options;
  const maskBit = masked ? 0x80 : 0;
  const mask = masked ? Buffer.from([1, 2, 3, 4]) : Buffer.alloc(0);
  const payload = Buffer.alloc(length, 0xff);
  if (length < 126) return Buffer.concat([Buffer.from([0x80 | opcode, maskBit | length]), mask, payload]);
  if (length < 65_536) {
    const head = Buffer.from([0x80 | opcode, maskBit | 126, 0, 0]);
    head.writeUInt16BE(length, 2);
    return Buffer.concat([head, mask, payload]);
  }
  const head = Buffer.from([0x80 | opcode, maskBit | 127, 0, 0, 0, 0, 0, 0, 0, 0]);
  head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, mask, payload]);
}

const anyFrame = fc.record({
  opcode: fc.constantFrom(0x0, 0x1, 0x2, 0x9, 0xa),
  length: fc.oneof(fc.nat(200), fc.integer({ min: 65_000, max: 70_000 })),
  masked: fc.boolean(),
});

describe('FrameBoundary', () => {
  it('finds the same boundaries however the stream is cut into chunks', () => {
    fc.assert(
      fc.property(
        fc.array(anyFrame, { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 5_000 })),
        (frames, cuts) => {
          const bytes = Buffer.concat(frames.map(frame));
          const ends = new Set<number>([0]);
          for (const each of frames) ends.add(Math.max(...ends) + frame(each).length);
          const tracker = new FrameBoundary();
          let offset = 0;
          for (const size of [...cuts, bytes.length]) {
            tracker.push(bytes.subarray(offset, offset + size));
            offset = Math.min(bytes.length, offset + size);
            expect(tracker.isBetweenFrames).toBe(ends.has(offset));
          }
          expect(tracker.sawClose).toBe(false);
        },
      ),
    );
  });

  it('tells the end of a message from the end of a frame', () => {
    const part = frame({ opcode: 0x1, length: 3, masked: false });
    part[0] = 0x1;
    const rest = frame({ opcode: 0x0, length: 200, masked: false });
    const ping = frame({ opcode: 0x9, length: 1, masked: false });
    const next = frame({ opcode: 0x1, length: 5, masked: false });
    const tracker = new FrameBoundary();
    tracker.push(part);
    expect(tracker).toMatchObject({ isBetweenFrames: true, isBetweenMessages: false });
    tracker.push(ping);
    expect(tracker).toMatchObject({ isBetweenFrames: true, isBetweenMessages: false });
    expect(tracker.pushToBoundary(Buffer.concat([rest, next]))).toBe(rest.length);
    expect(tracker).toMatchObject({ isBetweenFrames: true, isBetweenMessages: true });
    expect(tracker.pushToBoundary(next.subarray(0, 4))).toBe(4);
    expect(tracker.isBetweenMessages).toBe(false);
  });

  it('notices a Close frame', () => {
    const tracker = new FrameBoundary();
    tracker.push(frame({ opcode: 0x1, length: 3, masked: false }));
    expect(tracker.sawClose).toBe(false);
    tracker.push(closeFrame(1011, 'browser_crashed'));
    expect(tracker).toMatchObject({ sawClose: true, isBetweenFrames: true });
  });
});
