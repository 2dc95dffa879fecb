import { type CommandJudge, FrameScanner, type Judgement, type StoppedCommand } from './frame-scanner.ts';
import { HoldBudget } from './held-bytes.ts';

/** Opcodes of RFC 6455 section 5.2. */
export const TEXT = 0x1;
export const CONTINUATION = 0x0;
export const PING = 0x9;
export const NO_MASK = Buffer.alloc(4);

/** A masked frame built by the letter of RFC 6455, to hold the scanner against. */
export function clientFrame(
  payload: Buffer,
  { opcode = TEXT, isFinal = true, mask = NO_MASK }: { opcode?: number; isFinal?: boolean; mask?: Buffer } = {},
): Buffer {
  const head: number[] = [(isFinal ? 0x80 : 0) | opcode];
  if (payload.length < 126) head.push(0x80 | payload.length);
  else if (payload.length < 65_536) head.push(0x80 | 126, payload.length >> 8, payload.length & 0xff);
  else head.push(0x80 | 127, 0, 0, 0, 0, ...[24, 16, 8, 0].map((shift) => (payload.length >>> shift) & 0xff));
  const masked = payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0));
  return Buffer.concat([Buffer.from(head), mask, masked]);
}

/** What `RememberingJudge` sends in place of a command it held back. */
export function replacementOf(method: string): Buffer {
  return clientFrame(Buffer.from(`<${method}>`));
}

/** Decides by the first word of a method, and remembers all it is told. */
export class RememberingJudge implements CommandJudge {
  readonly judged: string[] = [];
  readonly settled: StoppedCommand[] = [];
  messages = 0;
  #last = '';

  judge(method: string): Judgement {
    this.#last = method;
    return this.fateOf(method);
  }

  fateOf(method: string): Judgement {
    if (method.startsWith('Hold')) return 'hold';
    if (method.startsWith('Read')) return 'read';
    return method.startsWith('Drop') ? 'drop' : 'pass';
  }

  isPlain(text: string): boolean {
    return text.includes('plain');
  }

  settle(command: StoppedCommand): Buffer | undefined {
    this.settled.push(command);
    return command.payload === undefined ? undefined : replacementOf(command.method);
  }

  count(): void {
    this.judged.push(this.#last);
    this.messages += 1;
  }
}

/** Pushes all bytes in chunks of these sizes, again and again; returns what passed. @throws what the scanner throws */
export function pushAll(scanner: FrameScanner, bytes: Buffer, sizes: readonly number[]): Buffer {
  const out: Buffer[] = [];
  let offset = 0;
  for (let index = 0; offset < bytes.length; index += 1) {
    const size = sizes.length === 0 ? bytes.length : (sizes[index % sizes.length] ?? bytes.length);
    // The chunk is spoilt afterwards: what is kept of it has to be a copy.
    const chunk = Buffer.from(bytes.subarray(offset, offset + size));
    out.push(...scanner.push(chunk).map((piece) => Buffer.from(piece)));
    chunk.fill(0);
    offset += size;
  }
  return Buffer.concat(out);
}

/** A scanner that may hold 100 MiB. */
export function openScanner(judge: CommandJudge = new RememberingJudge()): FrameScanner {
  return new FrameScanner(judge, new HoldBudget(100 * 1024 ** 2));
}
