import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';

import fc from 'fast-check';
import tar from 'tar-stream';
import { describe, expect, it } from 'vitest';

import { openTestDirectory } from '../../../testing/test-directory.ts';
import {
  compress,
  packState,
  readUserData,
  type StateFile,
  textFile,
  unpackState,
  writeUserData,
} from './state-archive.ts';
import { isKept } from './state-files.ts';
import { STATE_FORMAT, type StateHead } from './state-head.ts';
import { ArchiveError, readArchive } from './tar-archive.ts';

const HEAD: StateHead = { format: STATE_FORMAT, chromiumVersion: '156.0.0.0', cookies: null };
const NEVER = new AbortController().signal;

async function* filesOf(contents: Readonly<Record<string, string>>): AsyncGenerator<StateFile> {
  for (const [name, text] of Object.entries(contents)) yield textFile(name, text);
}

async function read(packed: AsyncIterable<Uint8Array>): Promise<{ head: StateHead; files: Record<string, string> }> {
  const state = await unpackState(packed);
  const files: Record<string, string> = {};
  for await (const { path: name, content } of state.files) files[name] = (await buffer(content)).toString();
  return { head: state.head, files };
}

async function makeUserData(directory: string, contents: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(contents)) {
    await mkdir(path.dirname(path.join(directory, name)), { recursive: true });
    await writeFile(path.join(directory, name), text);
  }
}

/** An archive as somebody else may have made it. */
async function* foreign(
  ...entries: { header: Parameters<tar.Pack['entry']>[0]; text?: string }[]
): AsyncGenerator<Uint8Array> {
  const pack = tar.pack();
  pack.entry({ name: 'state.json' }, JSON.stringify(HEAD));
  for (const { header, text = '' } of entries) pack.entry(header, text);
  pack.finalize();
  yield* compress(pack as AsyncIterable<Uint8Array>);
}

describe('the archive of a state', () => {
  it('gives back head and files, whatever they hold', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.stringMatching(/^[A-Za-z0-9 ._-]{1,40}$/), fc.string({ maxLength: 2_000, unit: 'binary' }), {
          noNullPrototype: true,
        }),
        fc.array(fc.record({ name: fc.string(), value: fc.string(), domain: fc.domain() })),
        async (contents, cookies) => {
          const files = Object.fromEntries(
            Object.entries(contents)
              .map(([name, text]) => [`Default/IndexedDB/${name}`, Buffer.from(text).toString()] as const)
              .filter(([name]) => isKept(name, { includeCache: false })),
          );
          const head = { ...HEAD, cookies };
          expect(await read(packState({ head, files: filesOf(files) }))).toEqual({ head, files });
        },
      ),
      { numRuns: 30 },
    );
  }, 30_000);

  it('holds what sites have stored, and neither caches nor what the browser would be told by others', async () => {
    await using stack = new AsyncDisposableStack();
    const directory = await openTestDirectory(stack);
    const kept = {
      'Default/Cookies': 'c',
      'Default/Cookies-journal': '',
      'Default/IndexedDB/site/000003.log': 'i',
      'Default/Local Storage/leveldb/CURRENT': 'l',
      'Default/Service Worker/ScriptCache/index': 's',
    };
    await makeUserData(directory, {
      ...kept,
      'Default/Preferences': JSON.stringify({
        download: { default_directory: '/etc' },
        extensions: { settings: { a: { path: '/tmp/x' } } },
        profile: { name: 'n', content_settings: { exceptions: { notifications: {} } } },
      }),
      'Default/Cache/Cache_Data/index': 'cache',
      'Default/Local Storage/leveldb/LOCK': '',
      'Default/Secure Preferences': '{}',
      'Default/Session Storage/000003.log': 'x',
      'Local State': '{}',
      'Other/Cookies': 'x',
    });
    await symlink('/etc/passwd', path.join(directory, 'Default/Bookmarks'));

    const packed = packState({ head: HEAD, files: readUserData(directory, { includeCache: false }) });
    expect((await read(packed)).files).toEqual({
      ...kept,
      'Default/Preferences': '{"profile":{"content_settings":{"exceptions":{"notifications":{}}}}}',
    });

    const withCache = packState({ head: HEAD, files: readUserData(directory, { includeCache: true }) });
    expect(Object.keys((await read(withCache)).files)).toContain('Default/Cache/Cache_Data/index');
  });

  it('is written where there was nothing', async () => {
    await using stack = new AsyncDisposableStack();
    const directory = path.join(await openTestDirectory(stack), 'profile');
    const long = `Default/IndexedDB/${'x'.repeat(150)}/${'y'.repeat(150)}`;
    const { files } = await unpackState(packState({ head: HEAD, files: filesOf({ [long]: 'deep' }) }));
    await writeUserData(directory, files, NEVER);
    expect(await readFile(path.join(directory, long), 'utf8')).toBe('deep');
  });

  it.each([
    ['a path out of it', { name: 'files/../../escape' }],
    ['an absolute path', { name: '/etc/cron.d/x' }],
    ['a path with a dot segment', { name: 'files/Default/./IndexedDB/x' }],
    ['an empty segment', { name: 'files/Default/IndexedDB//x' }],
    ['a file that is not part of a state', { name: 'files/Default/Secure Preferences' }],
    ['a file beside the profile', { name: 'files/Local State' }],
    ['a file without the prefix', { name: 'Default/Cookies' }],
    ['a symbolic link', { name: 'files/Default/IndexedDB/x', type: 'symlink' as const, linkname: '/etc/passwd' }],
    ['a hard link', { name: 'files/Default/IndexedDB/x', type: 'link' as const, linkname: '/etc/passwd' }],
    ['a directory', { name: 'files/Default/IndexedDB/x', type: 'directory' as const }],
    ['a device', { name: 'files/Default/IndexedDB/x', type: 'character-device' as const }],
  ])('is refused with %s in it, before anything of that is written', async (_what, header) => {
    await using stack = new AsyncDisposableStack();
    const directory = path.join(await openTestDirectory(stack), 'profile');
    const write = async (): Promise<void> => {
      const { files } = await unpackState(foreign({ header }));
      await writeUserData(directory, files, NEVER);
    };
    await expect(write()).rejects.toBeInstanceOf(ArchiveError);
  });

  it('is refused with two files of one name', async () => {
    const header = { name: 'files/Default/IndexedDB/x' };
    await expect(read(foreign({ header, text: 'a' }, { header, text: 'b' }))).rejects.toBeInstanceOf(ArchiveError);
  });

  it('takes from foreign preferences only what is kept of our own', async () => {
    const text = '{"download":{"default_directory":"/etc"},"partition":{"per_host_zoom_levels":{"x":{}}}}';
    expect((await read(foreign({ header: { name: 'files/Default/Preferences' }, text }))).files).toEqual({
      'Default/Preferences': '{"partition":{"per_host_zoom_levels":{"x":{}}}}',
    });
  });

  it('is refused when it was cut short, or is none at all', async () => {
    const whole = await buffer(packState({ head: HEAD, files: filesOf({ 'Default/Cookies': 'x'.repeat(5_000) }) }));
    for (const end of [0, 10, Math.floor(whole.length / 2), whole.length - 20]) {
      await expect(read(Readable.from([whole.subarray(0, end)])), `cut at ${end}`).rejects.toBeInstanceOf(ArchiveError);
    }
    await expect(read(Readable.from([Buffer.from('not an archive')]))).rejects.toBeInstanceOf(ArchiveError);
  });

  it('is never read as something else when a byte of it was changed', async () => {
    const files = { 'Default/Cookies': 'abcdefgh'.repeat(50) };
    const whole = await buffer(packState({ head: HEAD, files: filesOf(files) }));
    let refused = 0;
    for (let at = 0; at < whole.length; at += 5) {
      const changed = Buffer.from(whole);
      changed.writeUInt8((changed[at] ?? 0) ^ 0x10, at);
      const result = await read(Readable.from([changed])).catch((error: unknown) => error);
      // Some bits of the header mean nothing to who reads it.
      if (result instanceof ArchiveError) refused += 1;
      else expect(result, `changed at ${at}`).toEqual({ head: HEAD, files });
    }
    expect(refused).toBeGreaterThan(whole.length / 5 / 2);
  });

  it('ends at its limits', async () => {
    const pack = (): AsyncIterable<Uint8Array> => {
      const packing = tar.pack();
      for (let index = 0; index < 5; index += 1) packing.entry({ name: `f${index}` }, 'x'.repeat(100));
      packing.finalize();
      return packing as AsyncIterable<Uint8Array>;
    };
    const readAll = async (limits: { maxFiles: number; maxBytes: number }): Promise<number> => {
      let count = 0;
      for await (const _file of readArchive(pack(), limits)) count += 1;
      return count;
    };
    expect(await readAll({ maxFiles: 5, maxBytes: 500 })).toBe(5);
    await expect(readAll({ maxFiles: 4, maxBytes: 500 })).rejects.toThrow('too many files');
    await expect(readAll({ maxFiles: 5, maxBytes: 499 })).rejects.toThrow('too large');
  });

  it('passes on what its source fails with', async () => {
    const failing = async function* (): AsyncGenerator<StateFile> {
      yield textFile('Default/Cookies', 'x');
      throw new Error('the disk is gone');
    };
    await expect(buffer(packState({ head: HEAD, files: failing() }))).rejects.toThrow('the disk is gone');
  });
});
