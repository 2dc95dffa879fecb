import { StreamViolation } from './stream-violation.ts';

/** Opcodes of RFC 6455 section 5.2. */
export const OPCODE = { continuation: 0x0, text: 0x1, binary: 0x2, close: 0x8, ping: 0x9, pong: 0xa } as const;

const FIN = 0x80;
const RESERVED = 0x70;
const OPCODE_BITS = 0x0f;
const MASK_BIT = 0x80;
const LENGTH_BITS = 0x7f;
const CONTROL_BIT = 0x8;
const LENGTH_16 = 126;
const LENGTH_64 = 127;
const MASK_LENGTH = 4;
const SHORT_HEADER = 2;
const LONGEST_CONTROL = 125;

/** Longest header a masked frame can have. */
export const LONGEST_HEADER = 14;

/** The header of a frame a client has sent. */
export interface ClientFrame {
  readonly opcode: number;
  readonly isFinal: boolean;
  readonly isControl: boolean;
  readonly payloadBytes: number;
}

/** How long a header is, which its first two bytes say. */
export function headerLength(header: Buffer): number {
  const length = (header[1] ?? 0) & LENGTH_BITS;
  const extended = length === LENGTH_16 ? 2 : length === LENGTH_64 ? 8 : 0;
  return SHORT_HEADER + extended + MASK_LENGTH;
}

/** Reads the complete header of a frame whose start was checked. @throws {StreamViolation} where RFC 6455 section 5.5 forbids it */
export function readClientFrame(header: Buffer): ClientFrame {
  const first = header[0] ?? 0;
  const second = header[1] ?? 0;
  const opcode = first & OPCODE_BITS;
  const isFinal = (first & FIN) !== 0;
  const isControl = (opcode & CONTROL_BIT) !== 0;
  const payloadBytes = payloadLength(header, second & LENGTH_BITS);
  if (isControl && (!isFinal || payloadBytes > LONGEST_CONTROL)) {
    throw new StreamViolation(1002, 'A control frame must be whole and at most 125 bytes long');
  }
  return { opcode, isFinal, isControl, payloadBytes };
}

/** Checks the first two bytes of a client's frame. @throws {StreamViolation} where RFC 6455 section 5.2 forbids them */
export function checkFrameStart(header: Buffer): void {
  const first = header[0] ?? 0;
  const second = header[1] ?? 0;
  const opcode = first & OPCODE_BITS;
  if ((first & RESERVED) !== 0)
    throw new StreamViolation(1002, 'Reserved bits are set, but no extension was agreed on');
  if ((second & MASK_BIT) === 0) throw new StreamViolation(1002, 'The frames of a client must be masked');
  if (opcode === OPCODE.binary) throw new StreamViolation(1003, 'Commands are text');
  const known = [OPCODE.continuation, OPCODE.text, OPCODE.close, OPCODE.ping, OPCODE.pong] as readonly number[];
  if (!known.includes(opcode)) throw new StreamViolation(1002, 'There is no such opcode');
}

function payloadLength(header: Buffer, length: number): number {
  if (length === LENGTH_16) return header.readUInt16BE(SHORT_HEADER);
  // Beyond 2^53 the number is not exact, and far beyond every limit.
  if (length === LENGTH_64) return Number(header.readBigUInt64BE(SHORT_HEADER));
  return length;
}

/** The mask, which ends the header; RFC 6455 section 5.3. */
export function maskOf(header: Buffer): Buffer {
  return header.subarray(header.length - MASK_LENGTH);
}

/** A whole message as one frame a client would send, with a mask of zeros: it need not be hidden from anybody here. */
export function maskedTextFrame(payload: Buffer): Buffer {
  return Buffer.concat([frameHeader(payload.length, MASK_BIT), Buffer.alloc(MASK_LENGTH), payload]);
}

/** A whole message as one frame a server would send. */
export function textFrame(payload: Buffer): Buffer {
  return Buffer.concat([frameHeader(payload.length, 0), payload]);
}

function frameHeader(length: number, maskBit: number): Buffer {
  const first = FIN | OPCODE.text;
  if (length < LENGTH_16) return Buffer.from([first, maskBit | length]);
  if (length < 0x1_00_00) {
    const header = Buffer.from([first, maskBit | LENGTH_16, 0, 0]);
    header.writeUInt16BE(length, SHORT_HEADER);
    return header;
  }
  const header = Buffer.alloc(SHORT_HEADER + 8);
  header[0] = first;
  header[1] = maskBit | LENGTH_64;
  header.writeBigUInt64BE(BigInt(length), SHORT_HEADER);
  return header;
}
