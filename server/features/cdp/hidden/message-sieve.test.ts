import fc from 'fast-check';
import { expect, it } from 'vitest';

import { textFrame } from '../client-frame.ts';
import { HoldBudget } from '../held-bytes.ts';
import { type Fate, MessageSieve } from './message-sieve.ts';

const MIB = 1024 ** 2;

function judge(method: string): Fate {
  return method.startsWith('Take') ? 'take' : method.startsWith('Drop') ? 'drop' : 'pass';
}

/** What comes out of a sieve, in order: bytes that pass, and messages that were taken. */
function sift(chunks: readonly Buffer[], budget = new HoldBudget(100 * MIB)): { passed: Buffer; taken: string[] } {
  const passed: Buffer[] = [];
  const taken: string[] = [];
  const sieve = new MessageSieve({
    budget,
    judge,
    pass: (bytes) => passed.push(Buffer.from(bytes)),
    take: (message) => taken.push(message.toString()),
  });
  for (const chunk of chunks) sieve.push(Buffer.from(chunk));
  sieve.end();
  return { passed: Buffer.concat(passed), taken };
}

function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0, index = 0; at < bytes.length; index += 1) {
    const size = sizes[index % sizes.length] ?? bytes.length;
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

const message = fc.tuple(
  fc.constantFrom('{"method":"Take.it"', '{"method":"Drop.it"', '{"method":"Pass.it"', '{"id":-7', '{"id":7', '{'),
  fc.oneof(fc.integer({ min: 0, max: 200 }), fc.constantFrom(65_530, 70_000)),
);

it('parts messages in whatever pieces they come', () => {
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 12 }),
      fc.array(fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 80_000 })), { minLength: 1 }),
      (messages, sizes) => {
        const texts = messages.map(([beginning, length]) => `${beginning},"x":"${'x'.repeat(length)}"}`);
        const isTaken = (text: string): boolean => text.startsWith('{"method":"Take') || text.startsWith('{"id":-');
        const isPassed = (text: string): boolean => !isTaken(text) && !text.startsWith('{"method":"Drop');
        const frames = (some: readonly string[]): Buffer =>
          Buffer.concat(some.map((text) => textFrame(Buffer.from(text))));
        const { passed, taken } = sift(cut(frames(texts), sizes));
        expect(taken).toEqual(texts.filter(isTaken));
        expect(passed.equals(frames(texts.filter(isPassed)))).toBe(true);
      },
    ),
    { numRuns: 300 },
  );
});

it('lets control frames, messages in several frames and very long ones pass as they are', () => {
  const ping = Buffer.from([0x89, 0]);
  const half = Buffer.concat([Buffer.from([0x01, 19]), Buffer.from('{"method":"Take.it"')]);
  const rest = Buffer.from([0x80, 1, 0x7d]);
  const long = textFrame(Buffer.from(`{"method":"Take.it","x":"${'x'.repeat(9 * MIB)}"}`));
  const bytes = Buffer.concat([ping, half, ping, rest, long, ping]);
  const { passed, taken } = sift(cut(bytes, [100_000]));
  expect(taken).toEqual([]);
  expect(passed.equals(bytes)).toBe(true);
});

it('keeps no more than all clients may', () => {
  const bytes = textFrame(Buffer.from(`{"method":"Take.it","x":"${'x'.repeat(2 * MIB)}"}`));
  expect(() => sift(cut(bytes, [65_536]), new HoldBudget(MIB))).toThrow('come back later');
});

it('lets the beginning of a message that passes be changed in place', () => {
  const passed: Buffer[] = [];
  const sieve = new MessageSieve({
    budget: new HoldBudget(MIB),
    judge: (_method, head) => {
      head.write('y', head.indexOf('x'), 'latin1');
      return 'pass';
    },
    pass: (bytes) => passed.push(bytes),
    take: () => undefined,
  });
  sieve.push(textFrame(Buffer.from('{"method":"Pass.it","x":1}')));
  expect(Buffer.concat(passed).subarray(2).toString()).toBe('{"method":"Pass.it","y":1}');
});
