import { StreamViolation } from './stream-violation.ts';

/** Longest key, method, session id or number that is looked at. A longer key is nobody's; a longer value is a violation. */
const LONGEST_TOKEN = 256;
/** How far a string is read byte by byte before its end is searched for: most end sooner than a search begins. */
const SHORT_STRING = 48;
const FIRST_WINDOW = 512;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** What a byte outside of strings is, in JSON as RFC 8259 has it. */
const FORBIDDEN = 0;
const SPACE = 1;
const SCALAR = 2;
const PUNCTUATION = 3;
const OPEN = 4;
const CLOSE = 5;
const STRING = 6;

/**
 * Chromium's parser takes more than JSON: comments, for one, in which a quote means nothing. Whatever is not JSON outside of
 * strings is forbidden, so that strings begin and end at the same places here and there.
 */
const KINDS = ((): Uint8Array => {
  const kinds = new Uint8Array(256);
  const mark = (characters: string, kind: number): void => {
    for (const character of characters) kinds[character.charCodeAt(0)] = kind;
  };
  mark(' \t\r\n', SPACE);
  // Digits, signs, and the letters of `true`, `false`, `null` and of exponents.
  mark('0123456789+-.eEtrufalsn', SCALAR);
  mark(',:', PUNCTUATION);
  mark('{[', OPEN);
  mark('}]', CLOSE);
  mark('"', STRING);
  return kinds;
})();

type Step = (bytes: Buffer, at: number) => number;

/** The members a CDP command has; each at most once. */
const MEMBERS: ReadonlySet<string> = new Set(['id', 'method', 'params', 'sessionId']);
/** Those of them whose values are kept. */
const KEPT: ReadonlySet<string> = new Set(['id', 'method', 'sessionId']);

function notJson(what: string): StreamViolation {
  return new StreamViolation(1007, `A message must be a JSON object: ${what}`);
}

/** @throws {StreamViolation} for what may not stand outside of strings */
function kindOf(bytes: Buffer, at: number): number {
  const kind = KINDS[bytes[at] ?? 0] ?? FORBIDDEN;
  if (kind === FORBIDDEN) throw notJson('it has characters that are no JSON');
  return kind;
}

/** Where the first quote or backslash at or after `from` is; the length where there is none. */
function endOfRun(bytes: Buffer, from: number): number {
  const searchFrom = Math.min(bytes.length, from + SHORT_STRING);
  for (let at = from; at < searchFrom; at += 1) {
    if (bytes[at] === QUOTE || bytes[at] === BACKSLASH) return at;
  }
  // The window grows, so that neither many short runs nor one long one are looked at more than a few times.
  for (let start = searchFrom, size = FIRST_WINDOW; start < bytes.length; start += size, size *= 4) {
    const found = findStringEnd(bytes.subarray(start, start + size));
    if (found >= 0) return start + found;
  }
  return bytes.length;
}

function findStringEnd(window: Buffer): number {
  const quote = window.indexOf(QUOTE);
  const backslash = (quote < 0 ? window : window.subarray(0, quote)).indexOf(BACKSLASH);
  return backslash < 0 ? quote : backslash;
}

/** What the inside of a JSON string stands for. @throws {StreamViolation} */
function decode(text: string): string {
  if (!text.includes('\\')) return text;
  try {
    return String(JSON.parse(`"${text}"`));
  } catch {
    throw notJson('an escape in it means nothing');
  }
}

/**
 * Finds the method, the id and the session id of one CDP message while its bytes pass, in one pass and without keeping
 * any other of them.
 *
 * Only the outermost object is read; what is inside of it is skipped by counting brackets and finding the ends of strings.
 * State between two calls is where in the message the last one ended, so it may be cut into pieces anywhere.
 *
 * A message is refused where two readers could differ over what it says: escapes in the outermost keys, keys that come
 * twice, anything that is no JSON.
 */
export class MessageScanner {
  readonly #seen = new Set<string>();
  readonly #kept = new Map<string, string>();
  readonly #token = Buffer.alloc(LONGEST_TOKEN);
  #tokenBytes = 0;
  #tokenIsLong = false;
  #key = '';
  #isKept = false;
  #depth = 0;
  #step: Step;

  readonly #start: Step = (bytes, at) => {
    if (kindOf(bytes, at) === SPACE) return at + 1;
    if (bytes[at] !== OPEN_OBJECT) throw notJson('it must be an object');
    this.#step = this.#firstKey;
    return at + 1;
  };

  readonly #firstKey: Step = (bytes, at) => {
    if (bytes[at] !== CLOSE_OBJECT) return this.#nextKey(bytes, at);
    this.#step = this.#end;
    return at + 1;
  };

  readonly #nextKey: Step = (bytes, at) => {
    const kind = kindOf(bytes, at);
    if (kind === SPACE) return at + 1;
    if (kind !== STRING) throw notJson('a key is missing');
    this.#beginToken();
    this.#step = this.#inKey;
    return at + 1;
  };

  readonly #inKey: Step = (bytes, at) => {
    const end = endOfRun(bytes, at);
    this.#addToToken(bytes, at, end);
    if (end === bytes.length) return end;
    if (bytes[end] === BACKSLASH) throw new StreamViolation(1008, 'Keys of a message may not be escaped');
    this.#key = this.#tokenIsLong ? '' : this.#takeToken();
    if (!this.#tokenIsLong && this.#seen.has(this.#key)) {
      throw new StreamViolation(1008, 'A key of a message may not come twice');
    }
    if (MEMBERS.has(this.#key)) this.#seen.add(this.#key);
    this.#isKept = KEPT.has(this.#key);
    this.#step = this.#colon;
    return end + 1;
  };

  readonly #colon: Step = (bytes, at) => {
    if (kindOf(bytes, at) === SPACE) return at + 1;
    if (bytes[at] !== COLON) throw notJson('a colon is missing');
    this.#step = this.#value;
    return at + 1;
  };

  readonly #value: Step = (bytes, at) => {
    const kind = kindOf(bytes, at);
    if (kind === SPACE) return at + 1;
    this.#beginToken();
    if (kind === STRING) {
      this.#step = this.#inString;
      return at + 1;
    }
    if (kind === OPEN) {
      this.#depth = 1;
      this.#step = this.#nested;
      return at + 1;
    }
    if (kind !== SCALAR) throw notJson('a value is missing');
    this.#step = this.#inScalar;
    return at;
  };

  readonly #inString: Step = (bytes, at) => {
    const end = endOfRun(bytes, at);
    if (this.#isKept) this.#addToToken(bytes, at, end);
    if (end === bytes.length) return end;
    if (bytes[end] === BACKSLASH) {
      if (this.#isKept) this.#addToToken(bytes, end, end + 1);
      this.#step = this.#inStringEscape;
      return end + 1;
    }
    this.#keep('string');
    this.#step = this.#afterValue;
    return end + 1;
  };

  readonly #inStringEscape: Step = (bytes, at) => {
    if (this.#isKept) this.#addToToken(bytes, at, at + 1);
    this.#step = this.#inString;
    return at + 1;
  };

  readonly #inScalar: Step = (bytes, at) => {
    let end = at;
    while (end < bytes.length && kindOf(bytes, end) === SCALAR) end += 1;
    if (this.#isKept) this.#addToToken(bytes, at, end);
    if (end === bytes.length) return end;
    this.#keep('scalar');
    this.#step = this.#afterValue;
    return end;
  };

  readonly #nested: Step = (bytes, at) => {
    for (let next = at; next < bytes.length; next += 1) {
      const kind = kindOf(bytes, next);
      if (kind === STRING) {
        this.#step = this.#nestedString;
        return next + 1;
      }
      if (kind === OPEN) this.#depth += 1;
      if (kind !== CLOSE) continue;
      this.#depth -= 1;
      if (this.#depth > 0) continue;
      this.#keep('nested');
      this.#step = this.#afterValue;
      return next + 1;
    }
    return bytes.length;
  };

  readonly #nestedString: Step = (bytes, at) => {
    for (let next = at, run = 0; next < bytes.length; next += 1, run += 1) {
      const byte = bytes[next];
      if (byte === QUOTE) {
        this.#step = this.#nested;
        return next + 1;
      }
      if (byte === BACKSLASH) {
        // What a backslash escapes is one byte, or at least begins with one that ends nothing.
        next += 1;
        run = 0;
        if (next < bytes.length) continue;
        this.#step = this.#nestedEscape;
      } else if (run >= SHORT_STRING) {
        next = endOfRun(bytes, next) - 1;
        run = 0;
      }
    }
    return bytes.length;
  };

  readonly #nestedEscape: Step = (_bytes, at) => {
    this.#step = this.#nestedString;
    return at + 1;
  };

  readonly #afterValue: Step = (bytes, at) => {
    if (kindOf(bytes, at) === SPACE) return at + 1;
    if (bytes[at] === COMMA) this.#step = this.#nextKey;
    else if (bytes[at] === CLOSE_OBJECT) this.#step = this.#end;
    else throw notJson('a comma is missing');
    return at + 1;
  };

  readonly #end: Step = (bytes, at) => {
    if (kindOf(bytes, at) !== SPACE) throw notJson('something follows the object');
    return at + 1;
  };

  constructor() {
    this.#step = this.#start;
  }

  /** The method, as soon as it has been read. */
  get method(): string | undefined {
    return this.#kept.get('method');
  }

  /** The id as it stands in the message, where it is a number (or another JSON scalar, which Chromium refuses). */
  get id(): string | undefined {
    return this.#kept.get('id');
  }

  get sessionId(): string | undefined {
    return this.#kept.get('sessionId');
  }

  /** Reads on. @throws {StreamViolation} */
  push(bytes: Buffer): void {
    for (let at = 0; at < bytes.length;) at = this.#step(bytes, at);
  }

  /** Notes the end of the message. @throws {StreamViolation} when it is not whole, or names no method */
  finish(): void {
    if (this.#step !== this.#end) throw notJson('it is not whole');
    if (this.method === undefined) throw new StreamViolation(1007, 'A message must name its method');
  }

  /** Forgets the message. */
  reset(): void {
    this.#seen.clear();
    this.#kept.clear();
    this.#step = this.#start;
  }

  #beginToken(): void {
    this.#tokenBytes = 0;
    this.#tokenIsLong = false;
  }

  #addToToken(bytes: Buffer, start: number, end: number): void {
    if (this.#tokenBytes + end - start > LONGEST_TOKEN) {
      this.#tokenIsLong = true;
      return;
    }
    bytes.copy(this.#token, this.#tokenBytes, start, end);
    this.#tokenBytes += end - start;
  }

  #takeToken(): string {
    return this.#token.toString('utf8', 0, this.#tokenBytes);
  }

  /** Keeps the value that has just ended if somebody wants it, and it is what it should be. */
  #keep(shape: 'string' | 'scalar' | 'nested'): void {
    const key = this.#key;
    if (!this.#isKept) return;
    if (this.#tokenIsLong) throw new StreamViolation(1008, `The ${key} of a message is too long`);
    const isRight = shape === (key === 'id' ? 'scalar' : 'string');
    if (isRight) this.#kept.set(key, shape === 'string' ? decode(this.#takeToken()) : this.#takeToken());
    else if (key === 'method') throw new StreamViolation(1007, 'The method of a message must be a string');
  }
}
