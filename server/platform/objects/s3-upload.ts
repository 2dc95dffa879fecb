import { createHash } from 'node:crypto';

import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';

import type { StoredObject } from './object-store.ts';

/** An object of this store, as its commands name it. */
interface ObjectName {
  readonly Bucket: string;
  readonly Key: string;
}

/** A part that is stored, as the store wants it named at the end. */
interface StoredPart {
  readonly PartNumber: number;
  readonly ETag: string | undefined;
}

/**
 * Bytes of a part, which is all of an object that is held in memory at once: S3 wants 5 MiB at least, and 10,000 parts at most,
 * which with these is an object of 78 GiB.
 */
const PART_BYTES = 8 * 1024 ** 2;
/** What is left over of an upload has to be given up even when its caller has no more time for it. */
const ABORT_TIMEOUT_MS = 10_000;

/** Content in parts of one size, the last one smaller; an empty content has none. `onBytes` sees each byte once, in order. */
async function* inParts(
  content: AsyncIterable<Uint8Array>,
  onBytes: (bytes: Uint8Array) => void,
): AsyncGenerator<Buffer> {
  let part = Buffer.allocUnsafe(PART_BYTES);
  let used = 0;
  for await (const bytes of content) {
    onBytes(bytes);
    for (let rest = bytes; rest.byteLength > 0;) {
      const taken = rest.subarray(0, PART_BYTES - used);
      part.set(taken, used);
      used += taken.byteLength;
      rest = rest.subarray(taken.byteLength);
      if (used < PART_BYTES) continue;
      yield part;
      // A new one: what was given away may still be on its way.
      part = Buffer.allocUnsafe(PART_BYTES);
      used = 0;
    }
  }
  if (used > 0) yield part.subarray(0, used);
}

/** An upload in parts. Its parts take room, unseen, until it is completed or aborted. */
class PartUpload {
  readonly #client: S3Client;
  readonly #upload: ObjectName & { readonly UploadId: string | undefined };
  readonly #parts: StoredPart[] = [];

  private constructor(client: S3Client, upload: ObjectName & { readonly UploadId: string | undefined }) {
    this.#client = client;
    this.#upload = upload;
  }

  static async start(client: S3Client, name: ObjectName, signal: AbortSignal): Promise<PartUpload> {
    const { UploadId } = await client.send(new CreateMultipartUploadCommand(name), { abortSignal: signal });
    return new PartUpload(client, { ...name, UploadId });
  }

  async add(bytes: Buffer, signal: AbortSignal): Promise<void> {
    const PartNumber = this.#parts.length + 1;
    const part = new UploadPartCommand({ ...this.#upload, PartNumber, Body: bytes });
    const { ETag } = await this.#client.send(part, { abortSignal: signal });
    this.#parts.push({ PartNumber, ETag });
  }

  async complete(signal: AbortSignal): Promise<void> {
    const MultipartUpload = { Parts: [...this.#parts] };
    const complete = new CompleteMultipartUploadCommand({ ...this.#upload, MultipartUpload });
    await this.#client.send(complete, { abortSignal: signal });
  }

  /** Never rejects: what brought the caller here is what they want to hear of. */
  async abort(): Promise<void> {
    const abort = new AbortMultipartUploadCommand(this.#upload);
    await this.#client.send(abort, { abortSignal: AbortSignal.timeout(ABORT_TIMEOUT_MS) }).catch(() => undefined);
  }
}

/** Sends the parts as an upload of its own, which is given up when one of them fails. `first` is full, so that S3 takes it as a part. */
async function sendParts(
  upload: PartUpload,
  {
    first,
    more,
    signal,
  }: { readonly first: Buffer; readonly more: AsyncGenerator<Buffer>; readonly signal: AbortSignal },
): Promise<void> {
  try {
    await upload.add(first, signal);
    for await (const part of more) {
      signal.throwIfAborted();
      await upload.add(part, signal);
    }
    signal.throwIfAborted();
    await upload.complete(signal);
  } catch (error) {
    await upload.abort();
    throw error;
  }
}

/**
 * Stores content of any length under a name, whole or not at all: in one request what fits into one part, else in parts, one after
 * another.
 */
export async function uploadObject(
  client: S3Client,
  name: ObjectName,
  { content, signal }: { readonly content: AsyncIterable<Uint8Array>; readonly signal: AbortSignal },
): Promise<StoredObject> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const parts = inParts(content, (bytes) => {
    signal.throwIfAborted();
    hash.update(bytes);
    sizeBytes += bytes.byteLength;
  });
  try {
    const { value: first = Buffer.alloc(0) } = (await parts.next()) as IteratorResult<Buffer, undefined>;
    signal.throwIfAborted();
    if (first.byteLength < PART_BYTES) {
      await client.send(new PutObjectCommand({ ...name, Body: first }), { abortSignal: signal });
    } else {
      const upload = await PartUpload.start(client, name, signal);
      await sendParts(upload, { first, more: parts, signal });
    }
    return { sizeBytes, sha256: hash.digest() };
  } finally {
    // What is still to come of the content is told that nobody wants it.
    await parts.return(undefined);
  }
}
