import { type Framing, MalformedMessage } from './http-head.ts';

/** How strictly chunks are read: `strict` as browsers write them; `lenient` with bare line feeds, as Chromium takes them. */
export type Strictness = 'strict' | 'lenient';

const LF = 0x0a;
const MAX_LINE_BYTES = 16 * 1_024;
const MAX_TRAILER_BYTES = 256 * 1_024;
const SIZE_LINE = /^([0-9a-f]{1,12})[\t ]*(?:;[^\r\n]*)?$/i;
const TRAILER_LINE = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[^\r\n]*$/;

/** Finds where a body ends among the bytes that come. It changes none of them. */
export interface BodyEnd {
  /** How many of these bytes are of the body. @throws {MalformedMessage} */
  take(chunk: Buffer): number;
  readonly isComplete: boolean;
  /** Whether it is the end of the connection that ends it. */
  readonly isEndless?: boolean;
}

class LengthEnd implements BodyEnd {
  #rest: number;

  constructor(length: number) {
    this.#rest = length;
  }

  get isComplete(): boolean {
    return this.#rest === 0;
  }

  take(chunk: Buffer): number {
    const taken = Math.min(this.#rest, chunk.length);
    this.#rest -= taken;
    return taken;
  }
}

/** A body, or all of a connection, that ends when the other side says so. */
export const ENDLESS: BodyEnd = { isComplete: false, isEndless: true, take: ({ length }) => length };

/** Reads chunk after chunk: size line, data, line end; then trailers until an empty line. */
class ChunkedEnd implements BodyEnd {
  readonly #strictness: Strictness;
  #state: 'size' | 'data' | 'data-end' | 'trailer' | 'complete' = 'size';
  #rest = 0;
  #line = '';
  #trailerBytes = 0;

  constructor(strictness: Strictness) {
    this.#strictness = strictness;
  }

  get isComplete(): boolean {
    return this.#state === 'complete';
  }

  take(chunk: Buffer): number {
    let at = 0;
    while (at < chunk.length && this.#state !== 'complete') {
      if (this.#state === 'data') at += this.#skipData(chunk.length - at);
      else at = this.#readLine(chunk, at);
    }
    return at;
  }

  #skipData(available: number): number {
    const skipped = Math.min(this.#rest, available);
    this.#rest -= skipped;
    if (this.#rest === 0) this.#state = 'data-end';
    return skipped;
  }

  #readLine(chunk: Buffer, from: number): number {
    const end = chunk.indexOf(LF, from);
    const to = end === -1 ? chunk.length : end;
    if (this.#line.length + to - from > MAX_LINE_BYTES) throw new MalformedMessage('A chunk line is too long');
    this.#line += chunk.toString('latin1', from, to);
    if (end === -1) return chunk.length;
    const line = this.#line;
    this.#line = '';
    const hasReturn = line.endsWith('\r');
    if (!hasReturn && this.#strictness === 'strict') throw new MalformedMessage('A chunk line ends without CR');
    this.#onLine(hasReturn ? line.slice(0, -1) : line);
    return end + 1;
  }

  #onLine(line: string): void {
    if (this.#state === 'size') this.#onSize(line);
    else if (this.#state === 'data-end') this.#onDataEnd(line);
    else this.#onTrailer(line);
  }

  #onSize(line: string): void {
    const size = SIZE_LINE.exec(line)?.[1];
    if (size === undefined) throw new MalformedMessage('A chunk has no size');
    this.#rest = Number.parseInt(size, 16);
    this.#state = this.#rest === 0 ? 'trailer' : 'data';
  }

  #onDataEnd(line: string): void {
    if (line !== '') throw new MalformedMessage('A chunk is longer than it says');
    this.#state = 'size';
  }

  #onTrailer(line: string): void {
    if (line === '') {
      this.#state = 'complete';
      return;
    }
    this.#trailerBytes += line.length;
    const isAllowed = this.#strictness === 'lenient' || TRAILER_LINE.test(line);
    if (!isAllowed || this.#trailerBytes > MAX_TRAILER_BYTES) throw new MalformedMessage('A trailer is malformed');
  }
}

/** What finds the end of a body that is framed like this. */
export function createBodyEnd(framing: Framing, strictness: Strictness): BodyEnd {
  switch (framing.kind) {
    case 'none':
      return new LengthEnd(0);
    case 'length':
      return new LengthEnd(framing.length);
    case 'chunked':
      return new ChunkedEnd(strictness);
    case 'until-close':
      return ENDLESS;
  }
}
