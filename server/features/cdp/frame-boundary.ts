/** Opcode of a Close frame; RFC 6455 section 5.2. */
const OPCODE_CLOSE = 0x8;
const OPCODE_MASK = 0x0f;
const MASK_BIT = 0x80;
const LENGTH_MASK = 0x7f;
const FIN = 0x80;
const CONTROL_BIT = 0x8;
const SHORT_HEADER = 2;
const LONGEST_HEADER = 14;

/**
 * Follows a WebSocket byte stream from frame to frame, without looking at payloads, to know when one is complete.
 *
 * Only between frames may a frame of our own be put into the stream. Cost: one step a frame or chunk, none a byte.
 */
export class FrameBoundary {
  readonly #header = Buffer.alloc(LONGEST_HEADER);
  #headerBytes = 0;
  #payloadLeft = 0;
  #sawClose = false;
  #isInMessage = false;

  /** Whether the stream so far ends with a complete frame. */
  get isBetweenFrames(): boolean {
    return this.#payloadLeft === 0 && this.#headerBytes === 0;
  }

  /** Whether the stream so far ends with a complete message: where another one may begin. */
  get isBetweenMessages(): boolean {
    return this.isBetweenFrames && !this.#isInMessage;
  }

  /** Whether a Close frame has passed: after it nothing may follow. */
  get sawClose(): boolean {
    return this.#sawClose;
  }

  /** Takes note of the next bytes of the stream. */
  push(chunk: Buffer): void {
    for (let offset = 0; offset < chunk.length;) offset += this.pushToBoundary(chunk.subarray(offset));
  }

  /** Takes note of the bytes up to the next end of a message, or of all there are; returns how many these were. */
  pushToBoundary(chunk: Buffer): number {
    let offset = 0;
    while (offset < chunk.length) {
      if (this.#payloadLeft > 0) {
        const skipped = Math.min(this.#payloadLeft, chunk.length - offset);
        this.#payloadLeft -= skipped;
        offset += skipped;
        if (this.isBetweenMessages) break;
        continue;
      }
      this.#header[this.#headerBytes] = chunk[offset] ?? 0;
      this.#headerBytes += 1;
      offset += 1;
      if (this.#headerBytes >= SHORT_HEADER && this.#headerBytes === this.#headerLength()) this.#startFrame();
      if (this.isBetweenMessages) break;
    }
    return offset;
  }

  #headerLength(): number {
    const second = this.#header[1] ?? 0;
    const extended = { 126: 2, 127: 8 }[second & LENGTH_MASK] ?? 0;
    return SHORT_HEADER + extended + ((second & MASK_BIT) === 0 ? 0 : 4);
  }

  #startFrame(): void {
    const length = (this.#header[1] ?? 0) & LENGTH_MASK;
    if (length === 126) this.#payloadLeft = this.#header.readUInt16BE(2);
    else if (length === 127) this.#payloadLeft = Number(this.#header.readBigUInt64BE(2));
    else this.#payloadLeft = length;
    const first = this.#header[0] ?? 0;
    if ((first & OPCODE_MASK) === OPCODE_CLOSE) this.#sawClose = true;
    if ((first & CONTROL_BIT) === 0) this.#isInMessage = (first & FIN) === 0;
    this.#headerBytes = 0;
  }
}

/** A Close frame as a server sends it. `reason` is short ASCII. */
export function closeFrame(code: number, reason: string): Buffer {
  const payload = Buffer.alloc(2 + reason.length);
  payload.writeUInt16BE(code);
  payload.write(reason, 2, 'ascii');
  return Buffer.concat([Buffer.from([0x80 | OPCODE_CLOSE, payload.length]), payload]);
}
