import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  clientFrame as frame,
  openScanner,
  CONTINUATION,
  NO_MASK,
  PING,
  pushAll,
  RememberingJudge,
  replacementOf,
  TEXT,
} from './scanner-fixture.ts';
import { HoldBudget } from './held-bytes.ts';
import { FrameScanner } from './frame-scanner.ts';

const anyMask = fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => Buffer.from(bytes));

/** What decides over the spelling of a message: white space, escapes, order. Repeats itself where it is too short. */
class Whims {
  readonly #numbers: readonly number[];
  #next = 0;

  constructor(numbers: readonly number[]) {
    this.#numbers = numbers;
  }

  pick(count: number): number {
    this.#next += 1;
    return (this.#numbers[this.#next % this.#numbers.length] ?? 0) % count;
  }
}

const anyWhims = fc.array(fc.nat(), { minLength: 1, maxLength: 40 }).map((numbers) => new Whims(numbers));

const space = (whims: Whims): string => ['', '', ' ', '\n', '\t\r\n  '][whims.pick(5)] ?? '';

/** A string as JSON, some of its characters escaped though they need not be. */
function spellString(text: string, whims: Whims): string {
  const units = Array.from({ length: text.length }, (_, index) => text.charCodeAt(index));
  const spelled = units.map((unit) => {
    const escaped = `\\u${unit.toString(16).padStart(4, '0')}`;
    if (unit >= 0xd800 && unit < 0xe000) return escaped;
    return whims.pick(6) === 0 ? escaped : JSON.stringify(String.fromCharCode(unit)).slice(1, -1);
  });
  return `"${spelled.join('')}"`;
}

function spell(value: unknown, whims: Whims): string {
  if (typeof value === 'string') return spellString(value, whims);
  const between = (parts: readonly string[]): string =>
    parts.map((part) => space(whims) + part + space(whims)).join(',');
  if (Array.isArray(value)) return `[${between(value.map((each) => spell(each, whims)))}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(
    ([key, each]) => `${spellString(key, whims)}${space(whims)}:${space(whims)}${spell(each, whims)}`,
  );
  return `{${between(members)}}`;
}

/** The outermost object: its keys come in any order and are never escaped. */
function spellMessage(message: Readonly<Record<string, unknown>>, whims: Whims): string {
  const members = Object.entries(message)
    .map(([key, value]) => ({ text: `${JSON.stringify(key)}${space(whims)}:${space(whims)}${spell(value, whims)}` }))
    .map((member) => ({ ...member, place: whims.pick(100) }))
    .sort((one, other) => one.place - other.place);
  return `${space(whims)}{${space(whims)}${members.map(({ text }) => text).join(`${space(whims)},${space(whims)}`)}}${space(whims)}`;
}

const anyText = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('"method":"X.y"', '\\', '{"method":"A.b"}', '"},{"', '//*', 'x'.repeat(40_000), '"\\'.repeat(3_000)),
);
const anyMethod = fc.oneof(
  fc.constantFrom('Pass.one', 'Hold.one', 'Drop.one', 'Pass.two', 'Hold.two', 'Drop.two'),
  fc.string({ maxLength: 20 }),
);
const anyMessage = fc
  .record(
    {
      id: fc.integer(),
      method: anyMethod,
      params: fc.oneof(fc.dictionary(fc.string(), fc.oneof(anyText, fc.jsonValue())), fc.jsonValue(), anyText),
      sessionId: fc.string({ maxLength: 32 }),
      other: fc.jsonValue(),
    },
    { requiredKeys: ['method'] },
  )
  .map((message) => message as Readonly<Record<string, unknown> & { method: string }>);

interface Sent {
  readonly message: Readonly<Record<string, unknown> & { method: string }>;
  readonly text: string;
  readonly frames: readonly { readonly bytes: Buffer; readonly isControl: boolean }[];
}

/** A message in one or more frames, with control frames between them. */
const anySent: fc.Arbitrary<Sent> = fc
  .tuple(
    anyMessage,
    anyWhims,
    fc.array(anyMask, { minLength: 1, maxLength: 4 }),
    fc.array(fc.nat(200), { maxLength: 3 }),
  )
  .map(([message, whims, masks, cuts]) => {
    const text = spellMessage(message, whims);
    const payload = Buffer.from(text);
    const ends = [...cuts.map((cut) => cut % (payload.length + 1)).sort((one, other) => one - other), payload.length];
    const frames = ends.flatMap((end, index) => {
      const mask = masks[index % masks.length] ?? NO_MASK;
      const part = payload.subarray(ends[index - 1] ?? 0, end);
      const isFinal = index === ends.length - 1;
      const data = {
        bytes: frame(part, { opcode: index === 0 ? TEXT : CONTINUATION, isFinal, mask }),
        isControl: false,
      };
      const ping = { bytes: frame(Buffer.from('ping'), { opcode: PING, mask }), isControl: true };
      return whims.pick(3) === 0 ? [data, ping] : [data];
    });
    return { message, text, frames };
  });

/** The frames of a stream of whole ones, without those of this opcode, and those. */
function split(stream: Buffer, opcode: number): { readonly these: Buffer; readonly others: Buffer } {
  const these: Buffer[] = [];
  const others: Buffer[] = [];
  for (let at = 0; at < stream.length;) {
    const length = (stream[at + 1] ?? 0) & 0x7f;
    const [extended, payload] =
      length < 126 ? [0, length] : length === 126 ? [2, stream.readUInt16BE(at + 2)] : [8, stream.readUInt32BE(at + 6)];
    const end = at + 2 + extended + 4 + payload;
    (((stream[at] ?? 0) & 0xf) === opcode ? these : others).push(stream.subarray(at, end));
    at = end;
  }
  return { these: Buffer.concat(these), others: Buffer.concat(others) };
}

describe('FrameScanner', () => {
  it('reads the same of every message as JSON.parse, however it is spelled, masked, cut into frames and into chunks', () => {
    const anySizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 70_000 })), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(fc.array(anySent, { minLength: 1, maxLength: 5 }), anySizes, (sent, sizes) => {
        const judge = new RememberingJudge();
        const bytes = Buffer.concat(sent.flatMap(({ frames }) => frames.map((each) => each.bytes)));
        const out = pushAll(openScanner(judge), bytes, sizes);

        const parsed = sent.map(({ text }) => JSON.parse(text) as Sent['message']);
        expect(judge.judged).toEqual(parsed.map(({ method }) => method));
        expect(judge.messages).toBe(sent.length);
        const stopped = parsed.filter(({ method }) => judge.fateOf(method) !== 'pass');
        expect(judge.settled.map(({ method, id, sessionId }) => ({ method, id: id && Number(id), sessionId }))).toEqual(
          stopped.map(({ method, id, sessionId }) => ({ method, id, sessionId })),
        );
        for (const { method, payload } of judge.settled) expect(payload !== undefined).toBe(method.startsWith('Hold'));
        const held = judge.settled.flatMap(({ payload }) => (payload === undefined ? [] : [payload.toString()]));
        expect(held).toEqual(sent.filter(({ message }) => message.method.startsWith('Hold')).map(({ text }) => text));

        // Control frames may overtake a message that is held back; otherwise all stays in its order.
        const { these: pings, others: data } = split(out, PING);
        const controls = sent.flatMap(({ frames }) => frames.filter(({ isControl }) => isControl));
        expect(pings.equals(Buffer.concat(controls.map((each) => each.bytes)))).toBe(true);
        const expected = sent.flatMap(({ message, frames }) => {
          const fate = judge.fateOf(message.method);
          if (fate === 'hold') return [replacementOf(message.method)];
          return fate === 'drop' ? [] : frames.filter(({ isControl }) => !isControl).map((each) => each.bytes);
        });
        expect(data.equals(Buffer.concat(expected))).toBe(true);
      }),
      { numRuns: 400 },
    );
  });

  it('lets the beginning of a long message pass as soon as its method is known', () => {
    const scanner = openScanner();
    const bytes = frame(Buffer.from(`{"method":"Pass.one","params":{"x":"${'y'.repeat(100_000)}"}}`));
    const early = scanner.push(bytes.subarray(0, 50));
    expect(Buffer.concat(early)).toEqual(bytes.subarray(0, 50));
  });

  it('does not let a long message that hides its method be whole unless it may pass', () => {
    const padding = 'y'.repeat(3 * 1024 ** 2);
    for (const method of ['Hold.one', 'Drop.one']) {
      const scanner = openScanner();
      const bytes = frame(Buffer.from(`{"params":{"x":"${padding}"},"method":"${method}"}`));
      const passed = scanner.push(bytes.subarray(0, 2 * 1024 ** 2));
      expect(Buffer.concat(passed).length).toBe(2 * 1024 ** 2);
      expect(() => scanner.push(bytes.subarray(2 * 1024 ** 2))).toThrow(
        expect.objectContaining({ name: 'StreamViolation', code: 1008 }),
      );
    }
    const bytes = frame(Buffer.from(`{"params":{"x":"${padding}"},"method":"Pass.one"}`));
    expect(pushAll(openScanner(), bytes, [100_000]).equals(bytes)).toBe(true);
  });

  it('keeps nothing of a message that is too long to be looked at', () => {
    const judge = new RememberingJudge();
    const scanner = openScanner(judge);
    const bytes = frame(Buffer.from(`{"id":7,"method":"Hold.one","params":{"x":"${'y'.repeat(33 * 1024 ** 2)}"}}`));
    expect(pushAll(scanner, bytes, [65_536])).toHaveLength(0);
    expect(judge.settled).toEqual([{ method: 'Hold.one', id: '7', sessionId: undefined, payload: undefined }]);
  });

  it('hands on a message that is to be read but is too long for it, and a small one that is plain', () => {
    const judge = new RememberingJudge();
    const scanner = openScanner(judge);
    const read = (text: string): Buffer => frame(Buffer.from(`{"id":7,"method":"Read.one","params":{"x":"${text}"}}`));
    const long = read('y'.repeat(5 * 1024 ** 2));
    expect(pushAll(scanner, long, [65_536]).equals(long)).toBe(true);
    expect(pushAll(scanner, read('plain'), [])).toEqual(read('plain'));
    expect(judge.settled).toEqual([]);
    expect(pushAll(scanner, read('other'), [])).toEqual(replacementOf('Read.one'));
    expect(judge.messages).toBe(3);
  });

  it('lets nothing pass after a Close frame, nor after it was ended', () => {
    const close = frame(Buffer.from([3, 0xe8]), { opcode: 0x8 });
    const message = frame(Buffer.from('{"method":"Pass.one"}'));
    const scanner = openScanner();
    expect(Buffer.concat(scanner.push(Buffer.concat([message, close, message])))).toEqual(
      Buffer.concat([message, close]),
    );
    expect(scanner.push(message)).toEqual([]);
    const ended = openScanner();
    ended.end();
    expect(ended.push(message)).toEqual([]);
  });

  it('holds no more for all clients together than it may, and gives back what it held', () => {
    const budget = new HoldBudget(3 * 1024 ** 2);
    const half = frame(Buffer.from(`{"method":"Hold.one","params":"${'x'.repeat(1024 ** 2)}"}`)).subarray(0, 1_000_000);
    const open = (): FrameScanner => new FrameScanner(new RememberingJudge(), budget);
    const [first, second, third] = [open(), open(), open()];
    first.push(half);
    second.push(half);
    third.push(half);
    const fourth = open();
    expect(() => fourth.push(half)).toThrow(expect.objectContaining({ name: 'StreamViolation', code: 1013 }));
    second.end();
    expect(open().push(half)).toEqual([]);
  });
});
