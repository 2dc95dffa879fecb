import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';

/** What a sealed stream begins with; the figure is the version of its format. */
const MAGIC = Buffer.from('guise/s1');
const KEY_ID_BYTES = 8;
const SALT_BYTES = 32;
const HEADER_BYTES = MAGIC.length + KEY_ID_BYTES + SALT_BYTES;
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Plain bytes of each chunk but the last. */
const CHUNK_BYTES = 64 * 1024;
const SEALED_CHUNK_BYTES = CHUNK_BYTES + TAG_BYTES;
const MAX_CHUNKS = 2 ** 32;

/** A sealed stream that cannot be opened: `unknownKey` was sealed with a key we do not have, all else is `damaged`. */
export class SealError extends Error {
  override readonly name = 'SealError';
  readonly reason: 'damaged' | 'unknownKey';

  constructor(reason: 'damaged' | 'unknownKey', options?: ErrorOptions) {
    super(
      reason === 'damaged'
        ? 'The sealed data was changed or cut short'
        : 'The sealed data was sealed with another key than those there are',
      options,
    );
    this.reason = reason;
  }
}

/** Names a key without telling anything of it. */
function keyIdOf(key: Uint8Array): Buffer {
  return createHash('sha256').update('guise/key-id ').update(key).digest().subarray(0, KEY_ID_BYTES);
}

function streamKey(key: Uint8Array, salt: Uint8Array, context: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, salt, `guise/sealed/1 ${context}`, KEY_BYTES));
}

/** Differs for each chunk of a stream, and says whether it is the last. */
function nonceOf(index: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(NONCE_BYTES);
  nonce.writeUInt32BE(index, NONCE_BYTES - 5);
  nonce.writeUInt8(isLast ? 1 : 0, NONCE_BYTES - 1);
  return nonce;
}

/** Gives pieces of exactly `size` bytes, and at the end what is left: between nothing and `size` bytes. */
async function* pieces(
  source: AsyncIterable<Uint8Array>,
  size: number,
): AsyncGenerator<{ readonly bytes: Buffer; readonly isLast: boolean }> {
  let held: Uint8Array[] = [];
  let length = 0;
  for await (const bytes of source) {
    held.push(bytes);
    length += bytes.byteLength;
    // What fills a piece exactly may be the end, so it is kept until more has come.
    if (length <= size) continue;
    let joined = Buffer.concat(held);
    while (joined.length > size) {
      yield { bytes: joined.subarray(0, size), isLast: false };
      joined = joined.subarray(size);
    }
    held = [joined];
    length = joined.length;
  }
  yield { bytes: Buffer.concat(held), isLast: true };
}

/**
 * Encrypts a stream so that it can be read only with the key and only as it was written: AES-256-GCM in chunks of 64 KiB, each
 * bound to its place and the last one marked, under a key of the stream's own (HKDF of `key`, a random salt and `context`).
 *
 * `context` says what the stream is, such as the name it is kept under: it opens only as that. `key` has 32 bytes.
 */
export async function* sealStream(
  source: AsyncIterable<Uint8Array>,
  { key, context }: { readonly key: Uint8Array; readonly context: string },
): AsyncGenerator<Buffer> {
  const salt = randomBytes(SALT_BYTES);
  const own = streamKey(key, salt, context);
  yield Buffer.concat([MAGIC, keyIdOf(key), salt]);
  let index = 0;
  for await (const { bytes, isLast } of pieces(source, CHUNK_BYTES)) {
    if (index === MAX_CHUNKS) throw new Error('The stream is too long to be sealed');
    const cipher = createCipheriv('aes-256-gcm', own, nonceOf(index, isLast));
    yield Buffer.concat([cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
    index += 1;
  }
}

function findKey(header: Buffer, keys: readonly Uint8Array[]): Uint8Array {
  if (!header.subarray(0, MAGIC.length).equals(MAGIC)) throw new SealError('damaged');
  const id = header.subarray(MAGIC.length, MAGIC.length + KEY_ID_BYTES);
  const key = keys.find((each) => keyIdOf(each).equals(id));
  if (key === undefined) throw new SealError('unknownKey');
  return key;
}

function openChunk(own: Buffer, chunk: Buffer, nonce: Buffer): Buffer {
  try {
    const end = chunk.length - TAG_BYTES;
    const decipher = createDecipheriv('aes-256-gcm', own, nonce, { authTagLength: TAG_BYTES });
    decipher.setAuthTag(chunk.subarray(end));
    return Buffer.concat([decipher.update(chunk.subarray(0, end)), decipher.final()]);
  } catch (error) {
    throw new SealError('damaged', { cause: error });
  }
}

/** Takes the header off a stream, and gives it with what has come behind it already. */
async function takeHeader(
  iterator: AsyncIterator<Uint8Array>,
): Promise<{ readonly header: Buffer; readonly start: Uint8Array }> {
  let start = Buffer.alloc(0);
  while (start.length < HEADER_BYTES) {
    const next = await iterator.next();
    if (next.done === true) throw new SealError('damaged');
    start = Buffer.concat([start, next.value]);
  }
  return { header: start.subarray(0, HEADER_BYTES), start: start.subarray(HEADER_BYTES) };
}

async function* continueWith(start: Uint8Array, iterator: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield start;
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
}

/**
 * Decrypts what `sealStream` made of a stream. What it has given is authentic even when it then throws, but not whole: only the end
 * of the iteration says that nothing is missing.
 *
 * @throws {SealError}
 */
export async function* openSealed(
  source: AsyncIterable<Uint8Array>,
  { keys, context }: { readonly keys: readonly Uint8Array[]; readonly context: string },
): AsyncGenerator<Buffer> {
  const iterator = source[Symbol.asyncIterator]();
  try {
    const { header, start } = await takeHeader(iterator);
    const own = streamKey(findKey(header, keys), header.subarray(MAGIC.length + KEY_ID_BYTES), context);
    let index = 0;
    for await (const { bytes, isLast } of pieces(continueWith(start, iterator), SEALED_CHUNK_BYTES)) {
      yield openChunk(own, bytes, nonceOf(index, isLast));
      index += 1;
    }
  } finally {
    await iterator.return?.();
  }
}
