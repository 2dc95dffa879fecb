import { addAbortSignal, Readable } from 'node:stream';

import {
  AbortMultipartUploadCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  type MultipartUpload,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';

import {
  assertObjectKey,
  assertObjectPrefix,
  isObjectKey,
  type ObjectInfo,
  ObjectNotFoundError,
  type ObjectStore,
  ObjectStoreError,
  type PresignOptions,
  type StoredObject,
} from './object-store.ts';
import { readFailure, type S3Place, toStoreError, toUnavailable } from './s3-failure.ts';
import { uploadObject } from './s3-upload.ts';

/** Which bucket of which server, and the key to it. */
export interface S3Options {
  /** Its address, `http` or `https`, without a bucket. */
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Whether the bucket is part of the path; else of the host's name, which then has to resolve. */
  readonly forcePathStyle: boolean;
}

const CONNECT_TIMEOUT_MS = 3_000;
/** Without a byte either way. Also what the beginning of an answer may take, for which a store may have to put many parts together. */
const SILENCE_TIMEOUT_MS = 30_000;
/** The SDK waits a little longer before each. */
const ATTEMPTS = 3;

function connect(options: S3Options): S3Client {
  const { endpoint, region, forcePathStyle, accessKeyId, secretAccessKey } = options;
  return new S3Client({
    endpoint,
    region,
    forcePathStyle,
    credentials: { accessKeyId, secretAccessKey },
    maxAttempts: ATTEMPTS,
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: SILENCE_TIMEOUT_MS,
      throwOnRequestTimeout: true,
      socketTimeout: SILENCE_TIMEOUT_MS,
    },
    // The trailing checksums of newer SDKs are refused by servers that do not know them. What is sent is signed with its SHA-256.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
}

/**
 * Objects in a bucket of an S3 server.
 *
 * Its errors name the server, the bucket and a code; neither the key nor what was signed is part of them. Disposing it closes its
 * connections.
 */
export class S3ObjectStore implements ObjectStore, Disposable {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #place: S3Place;

  constructor(options: S3Options) {
    this.#client = connect(options);
    this.#bucket = options.bucket;
    this.#place = { host: new URL(options.endpoint).host, bucket: options.bucket };
  }

  async put(key: string, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<StoredObject> {
    assertObjectKey(key);
    // What the content fails with is the caller's own, and is not to be taken for a failure of the store.
    const failure: { error?: unknown } = {};
    const watched = watchFailure(content, failure);
    try {
      return await uploadObject(this.#client, this.#nameOf(key), { content: watched, signal });
    } catch (error) {
      throw 'error' in failure ? failure.error : toUnavailable(error, this.#place, signal);
    }
  }

  async open(key: string, signal: AbortSignal): Promise<Readable> {
    assertObjectKey(key);
    signal.throwIfAborted();
    try {
      const { Body } = await this.#client.send(new GetObjectCommand(this.#nameOf(key)), { abortSignal: signal });
      if (Body instanceof Readable) return addAbortSignal(signal, Body);
    } catch (error) {
      if (readFailure(error).code === 'NoSuchKey') throw new ObjectNotFoundError(`There is no object ${key}`);
      throw toUnavailable(error, this.#place, signal);
    }
    throw new ObjectStoreError(`The object store ${this.#place.host} answered without a body`, 'NoBody');
  }

  async head(key: string): Promise<ObjectInfo | undefined> {
    assertObjectKey(key);
    try {
      const { ContentLength, LastModified } = await this.#client.send(new HeadObjectCommand(this.#nameOf(key)));
      return { key, sizeBytes: ContentLength ?? 0, modifiedAt: LastModified ?? new Date(0) };
    } catch (error) {
      // The answer has no body that could say whether it is the bucket that is missing: `check` does.
      if (readFailure(error).status === 404) return undefined;
      throw toUnavailable(error, this.#place);
    }
  }

  async delete(key: string): Promise<void> {
    assertObjectKey(key);
    try {
      await this.#client.send(new DeleteObjectCommand(this.#nameOf(key)));
    } catch (error) {
      if (readFailure(error).code !== 'NoSuchKey') throw toUnavailable(error, this.#place);
    }
  }

  async *list(prefix: string): AsyncIterable<ObjectInfo> {
    assertObjectPrefix(prefix);
    try {
      for await (const { Contents = [] } of paginateListObjectsV2(
        { client: this.#client },
        { Bucket: this.#bucket, Prefix: prefix },
      )) {
        for (const { Key = '', Size = 0, LastModified = new Date(0) } of Contents) {
          // Others may keep things in the bucket too.
          if (isObjectKey(Key)) yield { key: Key, sizeBytes: Size, modifiedAt: LastModified };
        }
      }
    } catch (error) {
      throw toUnavailable(error, this.#place);
    }
  }

  async presignGet(key: string, options: PresignOptions): Promise<string> {
    assertObjectKey(key);
    const { expiresInSeconds, fileName, contentType } = options;
    const get = new GetObjectCommand({
      ...this.#nameOf(key),
      ResponseContentType: contentType,
      ResponseContentDisposition: fileName === undefined ? undefined : toDisposition(fileName),
    });
    return getSignedUrl(this.#client, get, { expiresIn: expiresInSeconds });
  }

  async check(signal: AbortSignal): Promise<void> {
    try {
      await this.#client.send(new HeadBucketCommand({ Bucket: this.#bucket }), { abortSignal: signal });
    } catch (error) {
      const { status } = readFailure(error);
      if (status === 404 && !signal.aborted) {
        throw new ObjectStoreError(
          `The object store ${this.#place.host} has no bucket ${this.#bucket}`,
          'NoSuchBucket',
        );
      }
      throw toStoreError(error, this.#place, signal);
    }
  }

  async discardUnfinished(before: Date): Promise<number> {
    let discarded = 0;
    try {
      for await (const { Key = '', UploadId, Initiated } of this.#listUploads()) {
        if (!isObjectKey(Key) || Initiated === undefined || Initiated >= before) continue;
        await this.#client.send(new AbortMultipartUploadCommand({ ...this.#nameOf(Key), UploadId }));
        discarded += 1;
      }
    } catch (error) {
      throw toStoreError(error, this.#place);
    }
    return discarded;
  }

  /** Makes the bucket where it is missing. For development: elsewhere a wrong name must not go unnoticed. */
  async createBucket(signal: AbortSignal): Promise<void> {
    try {
      await this.#client.send(new CreateBucketCommand({ Bucket: this.#bucket }), { abortSignal: signal });
    } catch (error) {
      if (readFailure(error).code !== 'BucketAlreadyOwnedByYou') throw toStoreError(error, this.#place, signal);
    }
  }

  [Symbol.dispose](): void {
    this.#client.destroy();
  }

  async *#listUploads(): AsyncGenerator<MultipartUpload> {
    let from: { readonly KeyMarker?: string | undefined; readonly UploadIdMarker?: string | undefined } = {};
    for (;;) {
      const page = await this.#client.send(new ListMultipartUploadsCommand({ Bucket: this.#bucket, ...from }));
      yield* page.Uploads ?? [];
      if (page.IsTruncated !== true) return;
      from = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
    }
  }

  #nameOf(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#bucket, Key: key };
  }
}

async function* watchFailure(
  content: AsyncIterable<Uint8Array>,
  failure: { error?: unknown },
): AsyncGenerator<Uint8Array> {
  const iterator = content[Symbol.asyncIterator]();
  let isEnded = false;
  try {
    for (;;) {
      const next = await iterator.next().catch((error: unknown) => {
        isEnded = true;
        failure.error = error;
        throw error;
      });
      if (next.done === true) {
        isEnded = true;
        return;
      }
      yield next.value;
    }
  } finally {
    if (!isEnded) await iterator.return?.();
  }
}

/** As RFC 6266 has it: a plain name for those who know no better, the real one encoded beside it. */
function toDisposition(fileName: string): string {
  const plain = fileName.replaceAll(/[^\w .()-]/g, '_');
  const encoded = encodeURIComponent(fileName).replaceAll(/['()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`);
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
}
