import { CreateProfile, Fingerprint, type ImportResult } from '@guise/contract';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';

import { AppError } from '../../lib/app-error.ts';
import { incoherent } from './profile-failures.ts';
import type { NewProfile, ProfileRecord } from './profile-record.ts';
import { type ProfileService, toNewProfile } from './profile-service.ts';
import type { ProfileStates } from './state/profile-states.ts';
import {
  compress,
  decompress,
  type OpenState,
  readStateEntries,
  readText,
  type StateFile,
  stateEntries,
  textFile,
} from './state/state-archive.ts';
import { ArchiveError, type ArchiveFile, packArchive, readArchive } from './state/tar-archive.ts';

const PROFILE_ENTRY = 'profile.json';
const FILE_SCHEMA = 'guise/profile/1';
const MAX_NAMED_MISTAKES = 5;

const LABELS = CreateProfile.properties;

/** What stands first in the file of a profile. */
const ProfileEntry = Type.Object(
  {
    schema: Type.Literal(FILE_SCHEMA),
    exportedAt: Type.String({ maxLength: 64 }),
    name: LABELS.name,
    notes: LABELS.notes,
    folder: LABELS.folder,
    tags: LABELS.tags,
    fingerprint: Fingerprint,
  },
  { additionalProperties: false },
);
type ProfileEntry = Static<typeof ProfileEntry>;

interface FileDeps {
  readonly service: ProfileService;
  readonly states: ProfileStates;
}

/** A file to be sent. Its content must be read to its end, or its iteration ended. */
export interface ProfileFile {
  readonly fileName: string;
  readonly content: AsyncGenerator<Uint8Array>;
}

/** What an import did or, in a dry run, would do. */
export type Imported = Omit<ImportResult, 'profile'> & { readonly profile: ProfileRecord | undefined };

async function* entriesOf(
  entry: ProfileEntry,
  state: (AsyncDisposable & Parameters<typeof stateEntries>[0]) | undefined,
): AsyncGenerator<ArchiveFile> {
  yield textFile(PROFILE_ENTRY, JSON.stringify(entry, null, 2));
  if (state !== undefined) yield* stateEntries(state);
}

/**
 * A whole profile as one file: a compressed archive of its fingerprint, labels and saved state, which is not encrypted any more.
 *
 * @throws {AppError} PROFILE_NOT_FOUND, PROFILE_STATE_NOT_FOUND, PROFILE_STATE_UNREADABLE
 */
export async function exportProfile(
  { service, states }: FileDeps,
  wish: { readonly id: string; readonly withState?: boolean; readonly version?: number },
  signal: AbortSignal,
): Promise<ProfileFile> {
  const { id, withState = true, version } = wish;
  const { name, notes, folder, tags, fingerprint, state: newest } = await service.get(id);
  const wanted = version === undefined ? newest : await service.getState(id, version);
  const exportedAt = new Date().toISOString();
  const entry: ProfileEntry = { schema: FILE_SCHEMA, exportedAt, name, notes, folder, tags: [...tags], fingerprint };
  // Opened before the answer begins, so that one that cannot be read is still a problem of its own.
  const state = withState && wanted !== null ? await states.open(id, wanted, signal) : undefined;
  const content = async function* (): AsyncGenerator<Uint8Array> {
    try {
      yield* compress(packArchive(entriesOf(entry, state)));
    } finally {
      await state?.[Symbol.asyncDispose]();
    }
  };
  return { fileName: `${fileNameOf(name)}.guise-profile.tar.zst`, content: content() };
}

function fileNameOf(name: string): string {
  return (
    name
      .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
      .replace(/^[-.]+/, '')
      .slice(0, 80) || 'profile'
  );
}

function parseEntry(text: string): ProfileEntry {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ArchiveError(`${PROFILE_ENTRY} in the file is not JSON`, { cause: error });
  }
  if (Value.Check(ProfileEntry, value)) return value;
  const mistakes = [...Value.Errors(ProfileEntry, value)].slice(0, MAX_NAMED_MISTAKES);
  const named = mistakes.map(({ instancePath, message }) => `${instancePath} ${message}`).join('; ');
  throw new ArchiveError(`${PROFILE_ENTRY} in the file is not that of a profile: ${named}`);
}

async function readEntry(entries: AsyncGenerator<ArchiveFile>): Promise<ProfileEntry> {
  const first = await entries.next();
  if (first.done === true || first.value.path !== PROFILE_ENTRY) {
    throw new ArchiveError(`The file is not that of a profile: it does not begin with ${PROFILE_ENTRY}`);
  }
  return parseEntry(await readText(first.value));
}

interface Counts {
  stateFiles: number;
  stateBytes: number;
}

/** Counts the files of a state while they pass. */
async function* counting(files: AsyncIterable<StateFile>, counts: Counts): AsyncGenerator<StateFile> {
  for await (const file of files) {
    counts.stateFiles += 1;
    counts.stateBytes += file.sizeBytes;
    yield file;
  }
}

/** Counts them where nobody takes them; what they hold is passed over. */
async function readThrough(files: AsyncIterable<StateFile>, counts: Counts): Promise<void> {
  const counted = counting(files, counts);
  while ((await counted.next()).done !== true);
}

interface ImportOptions {
  readonly dryRun?: boolean;
  readonly name?: string;
  readonly allowIncoherent?: boolean;
  readonly ownerKeyId: string | null;
}

/** What is made of the rest of a file behind its first entry: a profile with its state, or nothing left when that fails. */
async function store(
  { service, states }: FileDeps,
  { profile, state, counts }: { profile: NewProfile; state: OpenState | undefined; counts: Counts },
  signal: AbortSignal,
): Promise<ProfileRecord> {
  const { id } = await service.insert(profile);
  try {
    if (state !== undefined) {
      await states.save(id, { head: state.head, files: counting(state.files, counts), writer: null }, signal);
    }
    return await service.get(id);
  } catch (error) {
    await service.delete(id);
    throw error;
  }
}

async function readFile(
  deps: FileDeps,
  { content, options }: { readonly content: AsyncIterable<Uint8Array>; readonly options: ImportOptions },
  signal: AbortSignal,
): Promise<Imported> {
  await using stack = new AsyncDisposableStack();
  const entries = readArchive(decompress(content));
  stack.defer(async () => void (await entries.return(undefined)));
  const { fingerprint, ...labels } = await readEntry(entries);
  const { dryRun = false, allowIncoherent = dryRun, name = labels.name } = options;
  const { faults } = deps.service.validate(fingerprint, { repair: false });
  if (faults.length > 0 && !allowIncoherent) throw incoherent(faults);
  const state = await readStateEntries(entries);
  const counts: Counts = { stateFiles: 0, stateBytes: 0 };
  const profile = toNewProfile({ ...labels, name, ownerKeyId: options.ownerKeyId }, fingerprint);
  const stored = dryRun ? undefined : await store(deps, { profile, state, counts }, signal);
  if (dryRun && state !== undefined) await readThrough(state.files, counts);
  return { name, isCoherent: faults.length === 0, faults, ...counts, profile: stored };
}

/**
 * Makes a profile of such a file, with a new id; in a dry run the file is only read and judged.
 *
 * @throws {AppError} PROFILE_FILE_INVALID, PROFILE_INCOHERENT; nothing is left of the profile then
 */
export async function importProfile(
  deps: FileDeps,
  file: { readonly content: AsyncIterable<Uint8Array>; readonly options: ImportOptions },
  signal: AbortSignal,
): Promise<Imported> {
  try {
    return await readFile(deps, file, signal);
  } catch (error) {
    if (!(error instanceof ArchiveError)) throw error;
    throw new AppError('PROFILE_FILE_INVALID', error.message, { cause: error });
  }
}
