import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { clientFrame as frame, CONTINUATION, openScanner, PING, pushAll } from './scanner-fixture.ts';
import { StreamViolation } from './stream-violation.ts';

describe('a stream that breaks the rules', () => {
  it.each<[code: number, what: string, bytes: Buffer]>([
    [1002, 'a frame without a mask', Buffer.from([0x81, 0x02, 0x7b, 0x7d])],
    [1002, 'a reserved bit', Buffer.from([0xc1, 0x80, 0, 0, 0, 0])],
    [1002, 'an opcode that does not exist', Buffer.from([0x83, 0x80, 0, 0, 0, 0])],
    [1002, 'a control frame of 126 bytes', frame(Buffer.alloc(126), { opcode: PING })],
    [1002, 'a control frame in parts', frame(Buffer.alloc(1), { opcode: PING, isFinal: false })],
    [1002, 'a continuation of nothing', frame(Buffer.from('{'), { opcode: CONTINUATION })],
    [
      1002,
      'a message in a message',
      Buffer.concat([frame(Buffer.from('{'), { isFinal: false }), frame(Buffer.from('{'))]),
    ],
    [1003, 'a binary message', frame(Buffer.from('{}'), { opcode: 0x2 })],
    [1009, 'a message of 257 MiB', Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0x10, 0x10, 0, 0, 0, 0, 0, 0])],
    [1009, 'a length that is no number', Buffer.from([0x81, ...Array<number>(9).fill(0xff), 0, 0, 0, 0])],
  ])('ends the stream with %i for %s', (code, _what, bytes) => {
    for (const sizes of [[], [1]]) {
      expect(() => pushAll(openScanner(), bytes, sizes)).toThrow(
        expect.objectContaining({ name: 'StreamViolation', code }),
      );
    }
  });

  it.each<[code: number, text: string]>([
    [1007, ''],
    [1007, '   '],
    [1007, '[]'],
    [1007, '"Pass.one"'],
    [1007, '{}'],
    [1007, '{"id":1}'],
    [1007, '{"method":"Pass.one"'],
    [1007, '{"method":"Pass.one"}}'],
    [1007, '{"method":"Pass.one"} {}'],
    [1007, '{"method":"Pass.one",}'],
    [1007, '{"method" "Pass.one"}'],
    [1007, '{"method":}'],
    [1007, '{method:"Pass.one"}'],
    [1007, '{"method":17}'],
    [1007, '{"method":{"method":"Pass.one"}}'],
    [1007, '{"method":["Pass.one"]}'],
    [1007, '{"method":"Pass.\\x6fne"}'],
    [1007, '{/**/"method":"Pass.one"}'],
    [1007, '{"params":{/*"*/},"method":"Pass.one"}'],
    [1007, "{'method':'Pass.one'}"],
    [1007, '\ufeff{"method":"Pass.one"}'],
    [1008, '{"method":"Pass.one","method":"Pass.one"}'],
    [1008, '{"method":"Pass.one","params":{},"params":{}}'],
    [1008, '{"id":1,"id":2,"method":"Pass.one"}'],
    [1008, '{"m\\u0065thod":"Pass.one"}'],
    [1008, '{"method":"Pass.one","m\\u0065thod":"Pass.two"}'],
    [1008, `{"method":"${'x'.repeat(300)}"}`],
  ])('ends the stream with %i for the message %s', (code, text) => {
    for (const sizes of [[], [1], [7]]) {
      expect(() => pushAll(openScanner(), frame(Buffer.from(text)), sizes)).toThrow(
        expect.objectContaining({ name: 'StreamViolation', code }),
      );
    }
  });

  it('takes any bytes there are, and either follows them or ends the stream', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), (bytes) => {
        try {
          pushAll(openScanner(), Buffer.from(bytes), [3]);
        } catch (error) {
          expect(error).toBeInstanceOf(StreamViolation);
          expect((error as StreamViolation).message.length).toBeLessThan(120);
        }
      }),
    );
  });
});
