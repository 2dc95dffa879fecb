const FIRST_SIZE = 4_096;

/** Bytes that are kept until it is known what becomes of them: in one piece, however small the pieces they come in. */
export class HeldBytes {
  #buffer: Buffer | undefined;
  #length = 0;

  get length(): number {
    return this.#length;
  }

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
    this.#buffer = undefined;
    this.#length = 0;
  }

  #withRoomFor(length: number): Buffer {
    const current = this.#buffer;
    if (current !== undefined && current.length >= length) return current;
    const larger = Buffer.allocUnsafe(Math.max(length, FIRST_SIZE, this.#length * 2));
    current?.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
    return larger;
  }
}
