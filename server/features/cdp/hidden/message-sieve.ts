import { HeldBytes, type HoldBudget } from '../held-bytes.ts';

const OPCODE_BITS = 0x0f;
const OPCODE_TEXT = 0x1;
const FIN = 0x80;
const LENGTH_BITS = 0x7f;
const LONGEST_HEADER = 10;
const SHORT_HEADER = 2;

/** How much of a message is looked at to know what it is: method and the beginning of its first parameter. Bytes. */
const LOOKED_AT = 160;
/** A longer message passes as it is. None of those that matter comes near. Bytes. */
const LONGEST_TAKEN = 8 * 1024 ** 2;

const EVENT = Buffer.from('{"method":"');
const OWN_ANSWER = Buffer.from('{"id":-');
const QUOTE = 0x22;

/** What is done with a message: it passes as it is, is taken out whole, is dropped unread, or passes after a change of its beginning. */
export type Fate = 'pass' | 'take' | 'drop';

interface MessageSieveDeps {
  /** Decides over an event by its method; `head` is the beginning of its text, and may be written to. */
  readonly judge: (method: string, head: Buffer, length: number) => Fate;
  /** Bytes that pass. */
  readonly pass: (bytes: Buffer) => void;
  /** A message that was taken out. */
  readonly take: (message: Buffer) => void;
  readonly budget: HoldBudget;
}

/**
 * Takes messages out of what a browser sends, and lets the others pass as the bytes they are.
 *
 * Chromium begins each message with `{"method":"…"` or `{"id":…`, each message is one frame, and none is masked: so a look at the first
 * bytes tells events of interest and answers to the gateway's own commands from all others, which are not even copied. A message
 * in several frames would pass unseen.
 *
 * Between two calls the sieve is in the beginning of a frame (`#head` has what there is of it), or in a payload that passes, is
 * kept, or is dropped (`#left` bytes of it are to come).
 */
export class MessageSieve {
  readonly #deps: MessageSieveDeps;
  readonly #kept: HeldBytes;
  #head: Buffer = Buffer.alloc(0);
  #left = 0;
  #fate: Fate = 'pass';

  constructor(deps: MessageSieveDeps) {
    this.#deps = deps;
    this.#kept = new HeldBytes(deps.budget);
  }

  /** Takes the next bytes of the browser. @throws {StreamViolation} when all clients together keep too much */
  push(chunk: Buffer): void {
    const bytes = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk]);
    this.#head = Buffer.alloc(0);
    // What passes is handed on in as few pieces as can be: from the end of the last message that did not.
    let passFrom = 0;
    for (let at = 0; at < bytes.length;) {
      const wasPassing = this.#fate === 'pass';
      const next = this.#left > 0 ? this.#readPayload(bytes, at) : this.#readHead(bytes, at);
      // A message begins that does not pass, or one that is not known yet.
      if (next === undefined || (wasPassing && this.#fate !== 'pass')) this.#passOn(bytes, passFrom, at);
      if (next === undefined) return;
      if (this.#fate !== 'pass') passFrom = next;
      at = next;
    }
    this.#passOn(bytes, passFrom, bytes.length);
  }

  /** Keeps nothing any more. Has to be called at the end. */
  end(): void {
    this.#kept.clear();
  }

  /** Reads on in the payload of a message; returns where it stopped. */
  #readPayload(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#left);
    this.#left -= end - at;
    if (this.#fate === 'take') this.#keep(bytes.subarray(at, end));
    return end;
  }

  /** Reads a header and decides over its message; returns where its payload begins, or undefined when there is too little of it. */
  #readHead(bytes: Buffer, at: number): number | undefined {
    const header = readHeader(bytes, at);
    const looked = header === undefined ? 0 : Math.min(header.length, LOOKED_AT);
    if (header === undefined || bytes.length < at + header.size + looked) {
      this.#head = Buffer.from(bytes.subarray(at));
      return undefined;
    }
    const payload = at + header.size;
    this.#left = header.length;
    this.#fate = header.isMessage ? this.#judge(bytes, payload, header.length) : 'pass';
    return payload;
  }

  #passOn(bytes: Buffer, from: number, to: number): void {
    if (to === bytes.length && from === 0) this.#deps.pass(bytes);
    else if (to > from) this.#deps.pass(bytes.subarray(from, to));
  }

  #judge(bytes: Buffer, at: number, length: number): Fate {
    if (beginsAt(bytes, at, OWN_ANSWER)) return 'take';
    if (!beginsAt(bytes, at, EVENT)) return 'pass';
    const head = bytes.subarray(at, at + Math.min(length, LOOKED_AT));
    const end = head.indexOf(QUOTE, EVENT.length);
    if (end < 0) return 'pass';
    const fate = this.#deps.judge(head.toString('latin1', EVENT.length, end), head, length);
    return fate === 'take' && length > LONGEST_TAKEN ? 'pass' : fate;
  }

  #keep(piece: Buffer): void {
    if (this.#left === 0 && this.#kept.length === 0) {
      this.#deps.take(piece);
      return;
    }
    this.#kept.add(piece);
    if (this.#left === 0) this.#deps.take(this.#kept.take());
  }
}

/** Whether `bytes` have these at `at`. A loop, from the end where messages differ: dearer calls would be most of the cost. */
function beginsAt(bytes: Buffer, at: number, beginning: Buffer): boolean {
  for (let offset = beginning.length - 1; offset >= 0; offset -= 1) {
    if (bytes[at + offset] !== beginning[offset]) return false;
  }
  return true;
}

/** The header of a frame at `at`; undefined while it is not whole. `isMessage`: the frame is a whole text message. */
function readHeader(
  bytes: Buffer,
  at: number,
): { readonly size: number; readonly length: number; readonly isMessage: boolean } | undefined {
  if (bytes.length < at + SHORT_HEADER) return undefined;
  const first = bytes[at] ?? 0;
  const short = (bytes[at + 1] ?? 0) & LENGTH_BITS;
  const size = short === 126 ? SHORT_HEADER + 2 : short === 127 ? LONGEST_HEADER : SHORT_HEADER;
  if (bytes.length < at + size) return undefined;
  const isMessage = (first & FIN) !== 0 && (first & OPCODE_BITS) === OPCODE_TEXT;
  if (size === SHORT_HEADER) return { size, length: short, isMessage };
  const length = size === LONGEST_HEADER ? Number(bytes.readBigUInt64BE(at + 2)) : bytes.readUInt16BE(at + 2);
  return { size, length, isMessage };
}
