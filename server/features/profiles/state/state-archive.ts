import { type FileHandle, mkdir, open, readdir } from 'node:fs/promises';
import path from 'node:path';
import { PassThrough, Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { buffer } from 'node:stream/consumers';
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';

import { Value } from 'typebox/value';

import { isCookieFile, isKept, isLeftWhole, isPreferences, keptPreferences } from './state-files.ts';
import { StateHead } from './state-head.ts';
import { ArchiveError, type ArchiveFile, packArchive, readArchive } from './tar-archive.ts';

const HEAD_FILE = 'state.json';
const FILES_PREFIX = 'files/';
/** Of what is read into memory whole: the head and the preferences. */
const MAX_TEXT_BYTES = 64 * 1024 ** 2;
const READ_BYTES = 256 * 1024;
/** Level 3 is zstd's own middle: a state of some megabytes takes some tens of milliseconds. */
const COMPRESSION = { params: { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_checksumFlag]: 1 } };
/** Caches in an archive were asked for by whoever made it. */
const ANYTHING_KEPT = { includeCache: true };

/** A file of a state; `path` is below the user-data directory. */
export type StateFile = ArchiveFile;

/** A state being read: its head, and then its files, each of which has to be read before the next. Must be disposed. */
export interface OpenState extends AsyncDisposable {
  readonly head: StateHead;
  readonly files: AsyncIterable<StateFile>;
}

/** Compresses a stream (zstd). */
export async function* compress(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* through(content, createZstdCompress(COMPRESSION));
}

/** Undoes `compress`. @throws {ArchiveError} for what is not compressed so */
export async function* decompress(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* through(content, createZstdDecompress());
  } catch (error) {
    if (error instanceof Error && 'code' in error && /^Z(STD)?_/.test(String(error.code))) {
      throw new ArchiveError('The file is damaged, or not compressed with zstd', { cause: error });
    }
    throw error;
  }
}

async function* through(content: AsyncIterable<Uint8Array>, transform: Transform): AsyncGenerator<Uint8Array> {
  const out = new PassThrough();
  // Its failure reaches the reader through `out`.
  pipeline(Readable.from(content), transform, out).catch(() => undefined);
  yield* out as AsyncIterable<Uint8Array>;
}

async function* bytesOf(handle: FileHandle, sizeBytes: number): AsyncGenerator<Uint8Array> {
  for (let left = sizeBytes; left > 0;) {
    const { bytesRead, buffer: bytes } = await handle.read(Buffer.alloc(Math.min(left, READ_BYTES)));
    if (bytesRead === 0) throw new Error('A file of the browser became shorter while it was saved');
    left -= bytesRead;
    yield bytes.subarray(0, bytesRead);
  }
}

/** A text as a file of an archive. */
export function textFile(name: string, text: string): ArchiveFile {
  const bytes = Buffer.from(text);
  return { path: name, sizeBytes: bytes.length, content: Readable.from(bytes.length === 0 ? [] : [bytes]) };
}

async function* kept(
  userDataDir: string,
  { below, includeCache }: { readonly below: string; readonly includeCache: boolean },
): AsyncGenerator<StateFile> {
  // One that is not there at all is no empty state, and must not be saved as one.
  const entries = await readdir(path.join(userDataDir, below), { withFileTypes: true });
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const name = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory() && !isLeftWhole(name, { includeCache })) {
      yield* kept(userDataDir, { below: name, includeCache });
    }
    if (!entry.isFile() || !isKept(name, { includeCache })) continue;
    await using handle = await open(path.join(userDataDir, name), 'r');
    if (isPreferences(name)) {
      yield textFile(name, keptPreferences(await handle.readFile('utf8')));
      continue;
    }
    const { size } = await handle.stat();
    yield { path: name, sizeBytes: size, content: bytesOf(handle, size) };
  }
}

/** The files of a user-data directory that belong to the state of its profile. No browser may run on it. */
export function readUserData(
  userDataDir: string,
  { includeCache }: { readonly includeCache: boolean },
): AsyncGenerator<StateFile> {
  return kept(userDataDir, { below: '', includeCache });
}

/** The same files without the browser's own record of cookies: for a state whose head says all of them. */
export async function* withoutCookieFiles(files: AsyncIterable<StateFile>): AsyncGenerator<StateFile> {
  for await (const file of files) if (!isCookieFile(file.path)) yield file;
}

/** The files of a state that no browser wrote: none. */
export function noFiles(): AsyncIterable<StateFile> {
  return Readable.from([]) as AsyncIterable<StateFile>;
}

/** A state as the files of an archive, the head first; packed by `packArchive`. */
export async function* stateEntries({
  head,
  files,
}: {
  readonly head: StateHead;
  readonly files: AsyncIterable<StateFile>;
}): AsyncGenerator<ArchiveFile> {
  yield textFile(HEAD_FILE, JSON.stringify(head));
  for await (const file of files) yield { ...file, path: `${FILES_PREFIX}${file.path}` };
}

/** Packs and compresses a state. */
export function packState(state: {
  readonly head: StateHead;
  readonly files: AsyncIterable<StateFile>;
}): AsyncGenerator<Uint8Array> {
  return compress(packArchive(stateEntries(state)));
}

/** Reads a file of an archive as text. @throws {ArchiveError} when it is too long to be one */
export async function readText({ path: name, sizeBytes, content }: ArchiveFile): Promise<string> {
  if (sizeBytes > MAX_TEXT_BYTES) throw new ArchiveError(`${name} in the archive is too large`);
  return (await buffer(content)).toString('utf8');
}

function parseHead(text: string): StateHead {
  try {
    const head: unknown = JSON.parse(text);
    if (Value.Check(StateHead, head)) return head;
  } catch {
    // Refused below, as what is JSON and no head.
  }
  throw new ArchiveError(`${HEAD_FILE} in the archive is not that of a saved state`);
}

async function* checked(entries: AsyncIterator<ArchiveFile>): AsyncGenerator<StateFile> {
  const seen = new Set<string>();
  for (let next = await entries.next(); next.done !== true; next = await entries.next()) {
    const { path: entryPath, ...file } = next.value;
    const name = entryPath.startsWith(FILES_PREFIX) ? entryPath.slice(FILES_PREFIX.length) : '';
    if (!isKept(name, ANYTHING_KEPT) || seen.has(name)) {
      throw new ArchiveError(`${JSON.stringify(entryPath.slice(0, 200))} does not belong into a saved state`);
    }
    seen.add(name);
    if (isPreferences(name)) yield textFile(name, keptPreferences(await readText({ ...file, path: name })));
    else yield { ...file, path: name };
  }
}

/**
 * Reads a state from the files of an archive whose next one is the head. undefined: there is none. Disposing it ends `entries`.
 *
 * @throws {ArchiveError} here and while its files are read: for paths that do not belong into a state, too
 */
export async function readStateEntries(entries: AsyncGenerator<ArchiveFile>): Promise<OpenState | undefined> {
  const first = await entries.next();
  if (first.done === true) return undefined;
  if (first.value.path !== HEAD_FILE) throw new ArchiveError(`The archive does not begin with ${HEAD_FILE}`);
  const head = parseHead(await readText(first.value));
  return {
    head,
    files: checked(entries),
    [Symbol.asyncDispose]: async () => {
      await entries.return(undefined);
    },
  };
}

/** Undoes `packState`. @throws {ArchiveError} here and while the files are read */
export async function unpackState(packed: AsyncIterable<Uint8Array>): Promise<OpenState> {
  const entries = readArchive(decompress(packed));
  try {
    const state = await readStateEntries(entries);
    if (state !== undefined) return state;
    throw new ArchiveError('The archive is empty');
  } catch (error) {
    await entries.return(undefined);
    throw error;
  }
}

/** Writes files into a user-data directory that is not there yet. What is written can be found nowhere else. */
export async function writeUserData(
  userDataDir: string,
  files: AsyncIterable<StateFile>,
  signal: AbortSignal,
): Promise<void> {
  await mkdir(userDataDir, { mode: 0o700 });
  for await (const { path: name, content } of files) {
    signal.throwIfAborted();
    const file = path.join(userDataDir, name);
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
    await using handle = await open(file, 'wx', 0o600);
    for await (const bytes of content) await handle.writeFile(bytes);
  }
}
