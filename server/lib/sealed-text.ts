import { openSealed, sealStream } from './sealed-stream.ts';

async function join(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

/** Encrypts a short secret as `sealStream` does a stream; `key` has 32 bytes, and it opens only with the same `context`. */
export function sealText(text: string, seal: { readonly key: Uint8Array; readonly context: string }): Promise<Buffer> {
  return join(sealStream(once(Buffer.from(text)), seal));
}

/** Decrypts what `sealText` made. @throws {SealError} for what was changed, or sealed with another key or context */
export async function openText(
  sealed: Buffer,
  seal: { readonly keys: readonly Uint8Array[]; readonly context: string },
): Promise<string> {
  return (await join(openSealed(once(sealed), seal))).toString();
}
