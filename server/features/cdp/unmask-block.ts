const MASK_LENGTH = 4;

/** Memory into which a masked payload is unmasked piece by piece (RFC 6455 section 5.3), four bytes at a time. */
export class UnmaskBlock {
  readonly #bytes: Buffer;
  readonly #words: Int32Array;
  readonly #mask: Buffer;
  readonly #maskWord: Int32Array;

  constructor(sizeBytes: number) {
    const memory = new ArrayBuffer(Math.ceil(sizeBytes / MASK_LENGTH) * MASK_LENGTH);
    this.#bytes = Buffer.from(memory);
    this.#words = new Int32Array(memory);
    const maskMemory = new ArrayBuffer(MASK_LENGTH);
    this.#mask = Buffer.from(maskMemory);
    this.#maskWord = new Int32Array(maskMemory);
  }

  get size(): number {
    return this.#bytes.length;
  }

  /**
   * Unmasks `piece`, at most `size` bytes of a payload; `phase` is the place in the mask its first byte falls on.
   *
   * What is returned is overwritten by the next call.
   */
  unmask(piece: Buffer, mask: Buffer, phase: number): Buffer {
    const { length } = piece;
    for (let at = 0; at < MASK_LENGTH; at += 1) this.#mask[at] = mask[(at + phase) % MASK_LENGTH] ?? 0;
    const maskWord = this.#maskWord[0] ?? 0;
    const words = this.#words;
    const bytes = this.#bytes;
    // Words have to be aligned, and a piece begins anywhere: so they are made of a copy.
    piece.copy(bytes, 0);
    const count = Math.ceil(length / MASK_LENGTH);
    for (let at = 0; at < count; at += 1) words[at] = (words[at] ?? 0) ^ maskWord;
    return bytes.subarray(0, length);
  }
}
