import { randomUUID } from 'node:crypto';

import { AppError } from '../../../lib/app-error.ts';
import { openSealed, SealError, sealStream } from '../../../lib/sealed-stream.ts';
import type { Logger } from '../../../platform/logger/logger.ts';
import { ObjectNotFoundError, type ObjectStore } from '../../../platform/objects/index.ts';
import type { StateRecord } from '../profile-record.ts';
import { type OpenState, packState, type StateFile, unpackState } from './state-archive.ts';
import type { StateHead } from './state-head.ts';
import type { BegunState, StateRepository } from './state-repository.ts';
import { ArchiveError } from './tar-archive.ts';

/** How many versions of a state are kept. */
const KEPT_VERSIONS = 3;

interface ProfileStatesDeps {
  readonly states: StateRepository;
  readonly objects: ObjectStore;
  /** The first seals; any of them opens. 32 bytes each. */
  readonly keys: readonly [Uint8Array, ...Uint8Array[]];
  readonly logger: Logger;
}

/** What a profile's browser has stored, kept between its sessions: packed, sealed, in versions. */
export class ProfileStates {
  readonly #deps: ProfileStatesDeps;

  constructor(deps: ProfileStatesDeps) {
    this.#deps = deps;
  }

  /**
   * Saves a state as the newest version and drops those that are too many. `writer` is the session that wears the profile; with null
   * nobody may wear it. When this fails, the version before stays the newest.
   *
   * @throws {AppError} PROFILE_LOCKED where somebody else wears it, or it is gone; and what the state's files fail with
   */
  async save(
    profileId: string,
    state: { readonly head: StateHead; readonly files: AsyncIterable<StateFile>; readonly writer: string | null },
    signal: AbortSignal,
  ): Promise<StateRecord> {
    const { states, objects, keys, logger } = this.#deps;
    const { head, files, writer } = state;
    const objectKey = `profiles/${profileId}/${randomUUID()}.state`;
    const begun = await states.begin(profileId, { writer, objectKey, chromiumVersion: head.chromiumVersion });
    if (begun === undefined) throw lost();
    try {
      const sealed = sealStream(packState({ head, files }), { key: keys[0], context: objectKey });
      const stored = await objects.put(objectKey, sealed, signal);
      const record = await states.complete(begun, { writer, stored });
      if (record === undefined) throw lost();
      await this.#dropAll(await states.listObsolete(profileId, KEPT_VERSIONS)).catch((error: unknown) => {
        // They are obsolete still when the next version is saved.
        logger.warn({ err: error, profileId }, 'old states of a profile could not be deleted');
      });
      return record;
    } catch (error) {
      await this.#dropAll([begun]).catch((failure: unknown) => {
        logger.warn({ err: failure, profileId }, 'a state that was not saved could not be deleted');
      });
      throw error;
    }
  }

  /**
   * Opens a saved state for reading. The caller must dispose it.
   *
   * @throws {AppError} PROFILE_STATE_UNREADABLE, here and while its files are read
   */
  async open(profileId: string, { objectKey }: StateRecord, signal: AbortSignal): Promise<OpenState> {
    const { objects, keys } = this.#deps;
    try {
      const sealed = (await objects.open(objectKey, signal)) as AsyncIterable<Uint8Array>;
      const state = await unpackState(openSealed(sealed, { keys, context: objectKey }));
      return { ...state, files: withNamedFailures(state.files) };
    } catch (error) {
      throw nameFailure(error, profileId);
    }
  }

  /** The complete versions, newest first. */
  async list(profileId: string): Promise<StateRecord[]> {
    return this.#deps.states.list(profileId);
  }

  /** A complete version. */
  async find(profileId: string, version: number): Promise<StateRecord | undefined> {
    return this.#deps.states.find(profileId, version);
  }

  /** Deletes all that was ever saved of a profile. */
  async deleteAll(profileId: string): Promise<void> {
    await this.#dropAll(await this.#deps.states.listAll(profileId));
  }

  /** First the object, then its row, so that no object is ever forgotten. */
  async #dropAll(versions: readonly BegunState[]): Promise<void> {
    for (const version of versions) {
      await this.#deps.objects.delete(version.objectKey);
      await this.#deps.states.remove(version);
    }
  }
}

function lost(): AppError {
  return new AppError('PROFILE_LOCKED', 'The profile was deleted, or a session wears it now');
}

function nameFailure(error: unknown, profileId?: string): unknown {
  if (error instanceof SealError) {
    const why = error.reason === 'unknownKey' ? 'it was encrypted with another key' : 'it is damaged';
    return new AppError('PROFILE_STATE_UNREADABLE', `The saved state cannot be read: ${why}`, { cause: error });
  }
  if (error instanceof ArchiveError || error instanceof ObjectNotFoundError) {
    const why = error instanceof ArchiveError ? 'it is damaged' : 'it is not where it was put';
    const details = { profileId };
    return new AppError('PROFILE_STATE_UNREADABLE', `The saved state cannot be read: ${why}`, {
      cause: error,
      details,
    });
  }
  return error;
}

async function* withNamedFailures(files: AsyncIterable<StateFile>): AsyncGenerator<StateFile> {
  try {
    yield* files;
  } catch (error) {
    throw nameFailure(error);
  }
}
