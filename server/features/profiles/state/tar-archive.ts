import { once } from 'node:events';

import tar from 'tar-stream';

import { toError } from '../../../lib/deadline.ts';

/** A file of an archive. Its content has to be read, or left, before the next one is asked for. */
export interface ArchiveFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly content: AsyncIterable<Uint8Array>;
}

/** An archive that is none, or holds what we do not put into one. */
export class ArchiveError extends Error {
  override readonly name = 'ArchiveError';
}

/** What an archive may hold at most, unpacked. */
export interface ArchiveLimits {
  readonly maxFiles: number;
  readonly maxBytes: number;
}

/** Enough for what sites may store, and an end to what was made to fill a disk. */
const ARCHIVE_LIMITS: ArchiveLimits = { maxFiles: 200_000, maxBytes: 4 * 1024 ** 3 };

/** Rejects when a stream ends before its time; a promise nobody has to wait for. */
function endOf(stream: { once(event: 'close', listener: () => void): unknown }): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  stream.once('close', () => reject(new ArchiveError('The archive was closed before its end')));
  promise.catch(() => undefined);
  return promise;
}

async function writeFiles(pack: tar.Pack, files: AsyncIterable<ArchiveFile>): Promise<void> {
  const closed = endOf(pack);
  for await (const { path, sizeBytes, content } of files) {
    const written = Promise.withResolvers<undefined>();
    const sink = pack.entry({ name: path, size: sizeBytes, mode: 0o600, type: 'file' }, (error) => {
      if (error) written.reject(error);
      else written.resolve(undefined);
    });
    written.promise.catch(() => undefined);
    for await (const bytes of content) {
      if (!sink.write(bytes)) await Promise.race([once(sink, 'drain'), written.promise, closed]);
    }
    sink.end(undefined);
    await Promise.race([written.promise, closed]);
  }
  pack.finalize();
}

/** Packs files as they come. The iteration fails with what they fail with. */
export async function* packArchive(files: AsyncIterable<ArchiveFile>): AsyncGenerator<Uint8Array> {
  const pack = tar.pack();
  writeFiles(pack, files).catch((error: unknown) => pack.destroy(toError(error)));
  yield* pack as AsyncIterable<Uint8Array>;
}

async function feed(extract: tar.Extract, archive: AsyncIterable<Uint8Array>): Promise<void> {
  const closed = endOf(extract).catch(() => undefined);
  for await (const bytes of archive) {
    if (extract.destroyed) return;
    if (!extract.write(bytes)) await Promise.race([once(extract, 'drain'), closed]);
  }
  extract.end(undefined);
}

/** Counts what is taken out of an archive. */
function keepWithin({ maxFiles, maxBytes }: ArchiveLimits): (header: tar.Header) => number {
  let fileCount = 0;
  let totalBytes = 0;
  return ({ size, type }) => {
    if (type !== 'file') throw new ArchiveError('The archive holds something other than files');
    fileCount += 1;
    totalBytes += size;
    if (fileCount > maxFiles) throw new ArchiveError('The archive holds too many files');
    if (totalBytes > maxBytes) throw new ArchiveError('The archive is too large');
    return size;
  };
}

/**
 * The files of an archive in their order. Links, devices and whatever else is no file are refused; paths are the reader's to check.
 *
 * @throws {ArchiveError} and what the source fails with
 */
export async function* readArchive(
  archive: AsyncIterable<Uint8Array>,
  limits: ArchiveLimits = ARCHIVE_LIMITS,
): AsyncGenerator<ArchiveFile> {
  const extract = tar.extract();
  const admit = keepWithin(limits);
  let failure: Error | undefined;
  const feeding = feed(extract, archive).catch((error: unknown) => {
    failure = toError(error);
    extract.destroy(failure);
  });
  try {
    for await (const entry of extract) {
      const sizeBytes = admit(entry.header);
      yield { path: entry.header.name, sizeBytes, content: entry as AsyncIterable<Uint8Array> };
      // What was not read of it.
      entry.resume();
    }
    // The source may yet say that it was cut short, behind the last file.
    await feeding;
    if (failure !== undefined) throw failure;
  } catch (error) {
    // What the archive came from fails in its own words; what is left is the archive's fault.
    if (error instanceof ArchiveError) throw error;
    throw failure ?? new ArchiveError('The archive is damaged', { cause: error });
  } finally {
    extract.destroy();
    await feeding;
  }
}
