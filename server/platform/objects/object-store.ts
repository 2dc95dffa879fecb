import type { Readable } from 'node:stream';

/** What is known of an object without reading it. */
export interface ObjectInfo {
  readonly key: string;
  readonly sizeBytes: number;
  readonly modifiedAt: Date;
}

/** What putting an object resulted in. */
export interface StoredObject {
  readonly sizeBytes: number;
  /** Of the content, 32 bytes. */
  readonly sha256: Buffer;
}

/** No object has this key. */
export class ObjectNotFoundError extends Error {
  override readonly name = 'ObjectNotFoundError';
}

/** A text that is no key: see `assertObjectKey`. */
export class ObjectKeyError extends Error {
  override readonly name = 'ObjectKeyError';
}

/** The store cannot be reached, refuses us, or failed. Says nothing that is secret; `code` is a word, for the log. */
export class ObjectStoreError extends Error {
  override readonly name = 'ObjectStoreError';
  readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

/** How an object is handed out by an address of its own. */
export interface PresignOptions {
  /** How long the address works, 7 days at most. */
  readonly expiresInSeconds: number;
  /** What a browser saves it as. */
  readonly fileName?: string;
  readonly contentType?: string;
}

/**
 * Where large things are kept under a key: profile states, recordings, files.
 *
 * An object is written once, whole or not at all, and replaced rather than changed. Its size need not be known beforehand, which a
 * store over the network answers with an upload in parts. Keys are checked by each store with `assertObjectKey`. Where such a store cannot be
 * used, what asks for objects throws {AppError} DEPENDENCY_UNAVAILABLE with an {ObjectStoreError} as its cause.
 */
export interface ObjectStore {
  /**
   * Stores what `content` gives. The object appears when it is whole and lasting; when the content fails or `signal` is
   * aborted, what was there before stays.
   *
   * @throws {ObjectKeyError} and what the content and the store fail with
   */
  put(key: string, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<StoredObject>;
  /**
   * Opens an object for reading from its beginning. The caller must read the stream to its end or destroy it.
   *
   * @throws {ObjectNotFoundError} {ObjectKeyError}
   */
  open(key: string, signal: AbortSignal): Promise<Readable>;
  /** What is known of an object; undefined where there is none. @throws {ObjectKeyError} */
  head(key: string): Promise<ObjectInfo | undefined>;
  /** Deletes an object; deleting what is not there is fine. @throws {ObjectKeyError} */
  delete(key: string): Promise<void>;
  /** The objects whose keys begin with `prefix`, which ends in `/` or is empty, in the order of their keys. */
  list(prefix: string): AsyncIterable<ObjectInfo>;
  /**
   * An address from which whoever has it can fetch the object, for a while, without asking us; undefined from a store that has none, whose
   * objects the service has to hand out itself. Whether there is such an object is not asked. @throws {ObjectKeyError}
   */
  presignGet(key: string, options: PresignOptions): Promise<string | undefined>;
  /** Resolves when the store can be used. @throws {ObjectStoreError} and what `signal` was aborted with */
  check(signal: AbortSignal): Promise<void>;
  /**
   * Removes what uploads that were begun before a moment and never came to an end have left; returns how many. Uploads take less than
   * a day, whoever makes them: the moment has to leave them that.
   *
   * @throws {ObjectStoreError}
   */
  discardUnfinished(before: Date): Promise<number>;
}

const MAX_KEY_LENGTH = 512;
/** A segment never begins with a dot, so that none leads elsewhere and a store can keep names of its own. */
const SEGMENT = '[A-Za-z0-9_][A-Za-z0-9._-]{0,127}';
const KEY = new RegExp(`^${SEGMENT}(/${SEGMENT})*$`);
const PREFIX = new RegExp(`^(${SEGMENT}/)*$`);

/** Whether a text is a key: segments of letters, digits and `._-`, joined by `/`. */
export function isObjectKey(text: string): boolean {
  return text.length <= MAX_KEY_LENGTH && KEY.test(text);
}

/** Refuses what is no key: segments of letters, digits and `._-`, joined by `/`. @throws {ObjectKeyError} */
export function assertObjectKey(key: string): void {
  if (isObjectKey(key)) return;
  throw new ObjectKeyError(`${JSON.stringify(key.slice(0, 80))} is no key of an object`);
}

/** Refuses what no key can begin with up to a `/`. @throws {ObjectKeyError} */
export function assertObjectPrefix(prefix: string): void {
  if (prefix.length <= MAX_KEY_LENGTH && PREFIX.test(prefix)) return;
  throw new ObjectKeyError(`${JSON.stringify(prefix.slice(0, 80))} is no prefix of keys`);
}
