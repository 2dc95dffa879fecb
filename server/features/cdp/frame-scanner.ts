import {
  checkFrameStart,
  type ClientFrame,
  headerLength,
  LONGEST_HEADER,
  maskOf,
  OPCODE,
  readClientFrame,
} from './client-frame.ts';
import { HeldBytes, type HoldBudget } from './held-bytes.ts';
import { MessageScanner } from './message-scanner.ts';
import { readSmallMessage } from './small-message.ts';
import { StreamViolation } from './stream-violation.ts';
import { UnmaskBlock } from './unmask-block.ts';

const MIB = 1024 ** 2;
/** Chromium's own limit for a message. */
const LONGEST_MESSAGE = 256 * MIB;
/** Longest message that is held back to be looked at. */
const LONGEST_HELD = 32 * MIB;
/** Longest message that is held back to be read; it would be handed on too if it were longer, and memory is dear. */
const LONGEST_READ = 4 * MIB;
/** How much of a message is held back until its method is known; clients write it first. */
const LONGEST_UNDECIDED = MIB;
/** What is unmasked at a time; it stays in the processor's cache. */
const BLOCK_BYTES = 16 * 1024;
const SHORT_HEADER = 2;

/**
 * What is done with a command as soon as its method is known: handed on byte by byte, held back until it is whole, or not handed
 * on. `read`: held back as well, but handed on if it is too long for that.
 */
export type Judgement = 'pass' | 'hold' | 'read' | 'drop';

/** A command that was not handed on, whole now. */
export interface StoppedCommand {
  readonly method: string;
  /** As it stands in the message; absent where it has none. */
  readonly id: string | undefined;
  readonly sessionId: string | undefined;
  /** The message, if it was held back; absent where it was dropped, or was too long to be held. */
  readonly payload: Buffer | undefined;
}

/** Who decides over commands. */
export interface CommandJudge {
  /** What is done with commands of this name. May be asked more than once for one. */
  judge(method: string): Judgement;
  /** Decides over a command that was held back or dropped; returns the frame that takes its place, if any. */
  settle(command: StoppedCommand): Buffer | undefined;
  /** A message is whole. */
  count(): void;
  /** Whether a message whose judgement is `read` may pass as it is. `text` has a character for each of its bytes. */
  isPlain?(text: string): boolean;
}

type Fate = Judgement | 'undecided';

/**
 * Follows what a client sends to a browser, and tells what of it may go on.
 *
 * Bytes that may pass do so as they are, frames, masks and all. The payload is unmasked only to find the method, in a block
 * of memory that is used again and again. A message is held back until its method is known; one that hides its method
 * behind more than `LONGEST_UNDECIDED` bytes goes on undecided, but never to its end unless it may pass.
 *
 * After a violation the stream is at its end: the last piece was not handed on, so that no message can be whole over there.
 */
export class FrameScanner {
  readonly #judge: CommandJudge;
  readonly #scanner = new MessageScanner();
  readonly #block = new UnmaskBlock(BLOCK_BYTES);
  readonly #header = Buffer.alloc(LONGEST_HEADER);
  #headerBytes = 0;
  readonly #mask = Buffer.alloc(4);
  #frame: ClientFrame | undefined;
  #payloadRead = 0;
  #messageBytes = 0;
  #isInMessage = false;
  #fate: Fate = 'undecided';
  /** Whether something of a message without a verdict has been handed on. */
  #hasLeaked = false;
  #isEnded = false;

  /** What is held back: the bytes of earlier chunks, then a range of this one. */
  readonly #held: HeldBytes;
  #heldFrom = 0;
  #heldTo = 0;
  #chunk: Buffer = Buffer.alloc(0);
  #passFrom = 0;
  #passTo = 0;
  #out: Buffer[] = [];

  constructor(judge: CommandJudge, budget: HoldBudget) {
    this.#judge = judge;
    this.#held = new HeldBytes(budget);
  }

  /** Lets nothing pass any more, not even the rest of a chunk, and holds nothing. Has to be called at the end. */
  end(): void {
    this.#isEnded = true;
    this.#dropHeld();
  }

  /** Takes the next bytes of the client; returns what may go on to the browser. @throws {StreamViolation} */
  push(chunk: Buffer): readonly Buffer[] {
    if (this.#isAtRest) {
      const small = readSmallMessage(chunk, this.#block);
      if (small !== undefined && this.#mayPass(small)) {
        this.#judge.count();
        return [chunk];
      }
    }
    this.#chunk = chunk;
    this.#out = [];
    this.#passFrom = this.#passTo = this.#heldFrom = this.#heldTo = 0;
    for (let at = 0; at < chunk.length && !this.#isEnded;) {
      at = this.#frame === undefined ? this.#readHeader(at) : this.#readPayload(at, this.#frame);
    }
    this.#keepHeld();
    this.#flushPassed();
    return this.#out;
  }

  #mayPass({ method, text }: { readonly method: string; readonly text: string }): boolean {
    const judgement = this.#judge.judge(method);
    return judgement === 'pass' || (judgement === 'read' && this.#judge.isPlain?.(text) === true);
  }

  /** Whether the next byte begins a message. */
  get #isAtRest(): boolean {
    return this.#headerBytes === 0 && this.#frame === undefined && !this.#isInMessage && !this.#isEnded;
  }

  #readHeader(at: number): number {
    const before = this.#headerBytes;
    let end = this.#collectHeader(at, SHORT_HEADER);
    if (this.#headerBytes < SHORT_HEADER) return end;
    if (this.#headerBytes === SHORT_HEADER) checkFrameStart(this.#header);
    const length = headerLength(this.#header);
    end = this.#collectHeader(end, length);
    if (this.#headerBytes < length) return end;
    const header = this.#header.subarray(0, length);
    this.#beginFrame(header);
    if (before > 0) this.#routeCopy(Buffer.from(header.subarray(0, before)));
    this.#route(at, end);
    this.#headerBytes = 0;
    this.#endFrameIfRead();
    return end;
  }

  /** Takes bytes of this chunk until `length` of the header are there; returns where it stopped. */
  #collectHeader(from: number, length: number): number {
    const wanted = length - this.#headerBytes;
    if (wanted <= 0) return from;
    const taken = this.#chunk.copy(this.#header, this.#headerBytes, from, from + wanted);
    this.#headerBytes += taken;
    return from + taken;
  }

  #beginFrame(header: Buffer): void {
    const frame = readClientFrame(header);
    if (!frame.isControl) {
      if (this.#isInMessage !== (frame.opcode === OPCODE.continuation)) {
        throw new StreamViolation(1002, 'A message begins inside of another, or goes on without a beginning');
      }
      this.#isInMessage = true;
      this.#messageBytes += frame.payloadBytes;
      if (this.#messageBytes > LONGEST_MESSAGE) throw new StreamViolation(1009, 'A message may have 256 MiB');
    }
    maskOf(header).copy(this.#mask);
    this.#frame = frame;
    this.#payloadRead = 0;
  }

  #readPayload(at: number, frame: ClientFrame): number {
    const end = Math.min(this.#chunk.length, at + frame.payloadBytes - this.#payloadRead);
    if (frame.isControl) this.#route(at, end);
    else for (let from = at; from < end; from += BLOCK_BYTES) this.#scan(from, Math.min(end, from + BLOCK_BYTES), at);
    this.#payloadRead += end - at;
    this.#endFrameIfRead();
    return end;
  }

  #scan(from: number, to: number, payloadAt: number): void {
    const phase = (this.#payloadRead + from - payloadAt) % 4;
    this.#scanner.push(this.#block.unmask(this.#chunk.subarray(from, to), this.#mask, phase));
    if (this.#fate === 'undecided' && this.#scanner.method !== undefined) this.#decide(this.#scanner.method);
    this.#route(from, to);
  }

  #decide(method: string): void {
    this.#fate = this.#judge.judge(method);
    if (this.#fate === 'pass') this.#releaseHeld();
    else if (this.#hasLeaked)
      throw new StreamViolation(1008, 'This command has to name its method before its parameters');
    else if (this.#fate === 'drop') this.#dropHeld();
  }

  #endFrameIfRead(): void {
    const frame = this.#frame;
    if (frame === undefined || this.#payloadRead < frame.payloadBytes) return;
    this.#frame = undefined;
    // After a Close frame nothing may follow (RFC 6455 section 5.5.1).
    if (frame.opcode === OPCODE.close) this.#isEnded = true;
    if (!frame.isControl && frame.isFinal) this.#endMessage();
  }

  #endMessage(): void {
    const scanner = this.#scanner;
    scanner.finish();
    this.#judge.count();
    const { method = '', id, sessionId } = scanner;
    const fate = this.#fate;
    const payload = fate === 'hold' || fate === 'read' ? this.#takePayload() : undefined;
    this.#dropHeld();
    this.#isInMessage = false;
    this.#messageBytes = 0;
    this.#fate = 'undecided';
    this.#hasLeaked = false;
    scanner.reset();
    if (fate === 'pass') return;
    const replacement = this.#judge.settle({ method, id, sessionId, payload });
    if (replacement === undefined) return;
    this.#flushPassed();
    this.#out.push(replacement);
  }

  /** The held message without its frames. */
  #takePayload(): Buffer {
    const payload = Buffer.allocUnsafe(this.#messageBytes);
    this.#keepHeld();
    const raw = this.#held.take();
    let written = 0;
    for (let at = 0; at < raw.length;) {
      const header = raw.subarray(at, at + headerLength(raw.subarray(at)));
      const { payloadBytes } = readClientFrame(header);
      at += header.length;
      const mask = maskOf(header);
      for (let read = 0; read < payloadBytes; read += BLOCK_BYTES) {
        const piece = raw.subarray(at + read, at + Math.min(payloadBytes, read + BLOCK_BYTES));
        written += this.#block.unmask(piece, mask, read % 4).copy(payload, written);
      }
      at += payloadBytes;
    }
    return payload;
  }

  /** Sends a range of this chunk the way of what it belongs to: a control frame, or the message. */
  #route(from: number, to: number): void {
    if (this.#frame?.isControl === true || this.#fate === 'pass' || this.#hasLeaked) this.#pass(from, to);
    else if (this.#fate !== 'drop') this.#hold(from, to);
  }

  /** As `route`, for bytes of earlier chunks. */
  #routeCopy(bytes: Buffer): void {
    if (this.#frame?.isControl === true || this.#fate === 'pass' || this.#hasLeaked) {
      this.#flushPassed();
      this.#out.push(bytes);
    } else if (this.#fate !== 'drop') {
      this.#keepHeld();
      this.#held.add(bytes);
    }
  }

  #pass(from: number, to: number): void {
    if (this.#passTo !== from) {
      this.#flushPassed();
      this.#passFrom = from;
    }
    this.#passTo = to;
  }

  #flushPassed(): void {
    if (this.#passTo > this.#passFrom) this.#out.push(this.#chunk.subarray(this.#passFrom, this.#passTo));
    this.#passFrom = this.#passTo = 0;
  }

  #hold(from: number, to: number): void {
    if (this.#heldTo !== from) {
      this.#keepHeld();
      this.#heldFrom = from;
    }
    this.#heldTo = to;
    const length = this.#held.length + this.#heldTo - this.#heldFrom;
    if (this.#fate === 'undecided' && length > LONGEST_UNDECIDED) {
      this.#hasLeaked = true;
      this.#releaseHeld();
    } else if (this.#fate === 'read' && length > LONGEST_READ) {
      this.#fate = 'pass';
      this.#releaseHeld();
    } else if (length > LONGEST_HELD) {
      this.#fate = 'drop';
      this.#dropHeld();
    }
  }

  /** Copies what is held of this chunk, as a chunk does not outlive its push. */
  #keepHeld(): void {
    if (this.#heldTo > this.#heldFrom) this.#held.add(this.#chunk.subarray(this.#heldFrom, this.#heldTo));
    this.#heldFrom = this.#heldTo = 0;
  }

  #releaseHeld(): void {
    if (this.#held.length > 0) {
      this.#flushPassed();
      this.#out.push(this.#held.take());
    }
    if (this.#heldTo > this.#heldFrom) this.#pass(this.#heldFrom, this.#heldTo);
    this.#heldFrom = this.#heldTo = 0;
  }

  #dropHeld(): void {
    this.#held.clear();
    this.#heldFrom = this.#heldTo = 0;
  }
}
