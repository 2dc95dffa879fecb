import { StreamViolation } from './stream-violation.ts';

const FIRST_SIZE = 4_096;

/** How much may be held back for all clients together. */
export class HoldBudget {
  readonly #maxBytes: number;
  #heldBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Notes that a client holds `after` bytes in place of `before`; false, and nothing is noted, when that is too much. */
  tryChange(before: number, after: number): boolean {
    const heldBytes = this.#heldBytes - before + after;
    if (after > before && heldBytes > this.#maxBytes) return false;
    this.#heldBytes = heldBytes;
    return true;
  }
}

/** Bytes that are kept until it is known what becomes of them: in one piece, however small the pieces they come in. */
export class HeldBytes {
  readonly #budget: HoldBudget;
  #buffer: Buffer | undefined;
  #length = 0;

  constructor(budget: HoldBudget) {
    this.#budget = budget;
  }

  get length(): number {
    return this.#length;
  }

  /** Keeps a copy of `piece`. @throws {StreamViolation} when all clients together hold too much */
  add(piece: Buffer): void {
    const buffer = this.#withRoomFor(this.#length + piece.length);
    piece.copy(buffer, this.#length);
    this.#length += piece.length;
  }

  /** Gives all bytes away, and begins anew. */
  take(): Buffer {
    const taken = this.#buffer?.subarray(0, this.#length) ?? Buffer.alloc(0);
    this.clear();
    return taken;
  }

  clear(): void {
    this.#budget.tryChange(this.#buffer?.length ?? 0, 0);
    this.#buffer = undefined;
    this.#length = 0;
  }

  #withRoomFor(length: number): Buffer {
    const current = this.#buffer;
    if (current !== undefined && current.length >= length) return current;
    const size = Math.max(length, FIRST_SIZE, this.#length * 2);
    if (!this.#budget.tryChange(current?.length ?? 0, size)) {
      throw new StreamViolation(1013, 'Too many large commands are being looked at: come back later');
    }
    const larger = Buffer.allocUnsafe(size);
    current?.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
    return larger;
  }
}
