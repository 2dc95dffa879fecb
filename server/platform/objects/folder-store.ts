import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import {
  access,
  constants,
  type FileHandle,
  lstat,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  rmdir,
  stat,
} from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';

import {
  assertObjectKey,
  assertObjectPrefix,
  type ObjectInfo,
  ObjectNotFoundError,
  type ObjectStore,
  ObjectStoreError,
  type StoredObject,
} from './object-store.ts';

/** Below it objects are written before they appear. No key begins with a dot. */
const PARTIAL = '.partial';
/** A folder can be tidied away between its making and its use; then it is made again. */
const MOVE_ATTEMPTS = 5;

function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}

/** Makes what a directory says of its files outlast a power cut. */
async function syncDirectory(directory: string): Promise<void> {
  await using handle = await open(directory, 'r');
  await handle.sync();
}

async function writeAll(
  handle: FileHandle,
  content: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<StoredObject> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const bytes of content) {
    signal.throwIfAborted();
    hash.update(bytes);
    sizeBytes += bytes.byteLength;
    for (let rest = bytes; rest.byteLength > 0;) {
      const { bytesWritten } = await handle.write(rest);
      rest = rest.subarray(bytesWritten);
    }
  }
  signal.throwIfAborted();
  await handle.sync();
  return { sizeBytes, sha256: hash.digest() };
}

/** Objects as files of a folder that is ours alone: the key is the path below it. */
export class FolderObjectStore implements ObjectStore {
  readonly #root: string;

  private constructor(root: string) {
    this.#root = root;
  }

  /** Opens the folder, which is made where it is missing. What a killed service left half written is removed. */
  static async open(root: string): Promise<FolderObjectStore> {
    await mkdir(root, { recursive: true, mode: 0o700 });
    await rm(path.join(root, PARTIAL), { recursive: true, force: true });
    await mkdir(path.join(root, PARTIAL), { mode: 0o700 });
    return new FolderObjectStore(root);
  }

  async put(key: string, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<StoredObject> {
    const file = this.#fileOf(key);
    const partial = path.join(this.#root, PARTIAL, randomUUID());
    try {
      const stored = await this.#write(partial, content, signal);
      await this.#appear(partial, file);
      return stored;
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
  }

  async open(key: string, signal: AbortSignal): Promise<Readable> {
    const file = this.#fileOf(key);
    signal.throwIfAborted();
    try {
      const handle = await open(file, 'r');
      if ((await handle.stat()).isFile()) return createReadStream('', { fd: handle, signal });
      await handle.close();
    } catch (error) {
      if (!hasCode(error, 'ENOENT', 'ENOTDIR')) throw error;
    }
    throw new ObjectNotFoundError(`There is no object ${key}`);
  }

  async head(key: string): Promise<ObjectInfo | undefined> {
    const file = this.#fileOf(key);
    try {
      const found = await stat(file);
      return found.isFile() ? { key, sizeBytes: found.size, modifiedAt: found.mtime } : undefined;
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
      throw error;
    }
  }

  async delete(key: string): Promise<void> {
    const file = this.#fileOf(key);
    if ((await this.head(key)) === undefined) return;
    await rm(file, { force: true });
    await this.#tidy(path.dirname(file));
  }

  async *list(prefix: string): AsyncIterable<ObjectInfo> {
    assertObjectPrefix(prefix);
    const files: string[] = [];
    await this.#collect(prefix, files);
    for (const key of files.sort()) {
      const info = await this.head(key);
      if (info !== undefined) yield info;
    }
  }

  /** A folder has no addresses. */
  async presignGet(key: string): Promise<undefined> {
    assertObjectKey(key);
  }

  async check(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    try {
      await access(path.join(this.#root, PARTIAL), constants.R_OK | constants.W_OK);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
      throw new ObjectStoreError(`The folder of objects ${this.#root} cannot be used (${code})`, code);
    }
  }

  async discardUnfinished(before: Date): Promise<number> {
    let discarded = 0;
    for (const name of await readdir(path.join(this.#root, PARTIAL))) {
      const file = path.join(this.#root, PARTIAL, name);
      const found = await stat(file).catch(() => undefined);
      if (found === undefined || found.mtime >= before) continue;
      await rm(file, { force: true });
      discarded += 1;
    }
    return discarded;
  }

  #fileOf(key: string): string {
    assertObjectKey(key);
    return path.join(this.#root, key);
  }

  async #write(file: string, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<StoredObject> {
    await using handle = await open(file, 'wx', 0o600);
    return await writeAll(handle, content, signal);
  }

  async #appear(partial: string, file: string): Promise<void> {
    const directory = path.dirname(file);
    for (let attempt = 1; ; attempt += 1) {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      try {
        await rename(partial, file);
        break;
      } catch (error) {
        if (!hasCode(error, 'ENOENT') || attempt === MOVE_ATTEMPTS) throw error;
      }
    }
    // Up to the root: its folders may be as new as the file.
    for (let at = directory; ; at = path.dirname(at)) {
      await syncDirectory(at).catch((error: unknown) => {
        if (!hasCode(error, 'ENOENT')) throw error;
      });
      if (at === this.#root || !at.startsWith(this.#root)) break;
    }
  }

  /** Removes folders that have become empty. */
  async #tidy(directory: string): Promise<void> {
    for (let at = directory; at !== this.#root; at = path.dirname(at)) {
      try {
        await rmdir(at);
      } catch {
        // Somebody else's object is in it, or somebody else has removed it.
        return;
      }
    }
  }

  async #collect(prefix: string, files: string[]): Promise<void> {
    // Without the slash at its end, with which a link would be followed: it leads out of the folder.
    const directory = path.resolve(this.#root, prefix);
    const found = await lstat(directory).catch(() => undefined);
    if (found?.isDirectory() !== true) return;
    for (const entry of await readdir(directory, { withFileTypes: true })) {
      if (entry.name.startsWith('.')) continue;
      if (entry.isFile()) files.push(`${prefix}${entry.name}`);
      if (entry.isDirectory()) await this.#collect(`${prefix}${entry.name}/`, files);
    }
  }
}
