import type {
  CoherenceFault,
  CreateProfile,
  Fingerprint,
  FingerprintConstraints,
  GenerateFingerprint,
  UpdateProfile,
} from '@guise/contract';

import { AppError, invalidField } from '../../lib/app-error.ts';
import type { IdentityRules } from './identity-rules.ts';
import { incoherent, nameWriteFailure, noSuchProfile, wornBy } from './profile-failures.ts';
import type { NewProfile, ProfileRecord, StateRecord } from './profile-record.ts';
import type { ProfileFilter, ProfileRepository } from './profile-repository.ts';
import type { ProfileStates } from './state/profile-states.ts';

const MAX_NAME_LENGTH = 200;

export interface ProfileServiceDeps {
  readonly profiles: ProfileRepository;
  readonly states: ProfileStates;
  readonly identity: IdentityRules;
  /** Ends a session, after it has saved what it has to; resolves when nothing of it is left, also where there is none. */
  readonly endSession: (sessionId: string) => Promise<void>;
}

/** What the coherence rules say of a fingerprint. */
export interface Verdict {
  readonly faults: CoherenceFault[];
  /** undefined unless a repair was asked for. */
  readonly repaired: Fingerprint | undefined;
}

/** What a new profile is labelled with, its defaults filled in. */
export function toNewProfile(
  labels: {
    readonly name: string;
    readonly notes?: string;
    readonly folder?: string | null;
    readonly tags?: readonly string[];
    readonly defaultProxyId?: string | null;
    readonly ownerKeyId: string | null;
  },
  fingerprint: Fingerprint,
): NewProfile {
  const { name, notes = '', folder = null, tags = [], defaultProxyId = null, ownerKeyId } = labels;
  return { ownerKeyId, name, notes, folder, tags, defaultProxyId, fingerprint };
}

/** Use cases over saved identities. */
export class ProfileService {
  readonly #deps: ProfileServiceDeps;

  constructor(deps: ProfileServiceDeps) {
    this.#deps = deps;
  }

  /** @throws {AppError} PROFILE_NOT_FOUND */
  async get(id: string): Promise<ProfileRecord> {
    const record = await this.#deps.profiles.find(id);
    if (record === undefined) throw noSuchProfile(id);
    return record;
  }

  async list(filter: ProfileFilter): Promise<ProfileRecord[]> {
    return this.#deps.profiles.list(filter);
  }

  /** @throws {AppError} VALIDATION_FAILED, PROFILE_INCOHERENT */
  async create(input: CreateProfile, ownerKeyId: string | null): Promise<ProfileRecord> {
    const { fingerprint: given, constraints, allowIncoherent = false, ...labels } = input;
    if (given !== undefined && constraints !== undefined) {
      throw invalidField('/constraints', 'cannot be given beside a fingerprint, which says all they could');
    }
    const fingerprint = given ?? this.#deps.identity.generate(constraints ?? {});
    if (!allowIncoherent) this.assertCoherent(fingerprint);
    return this.insert(toNewProfile({ ...labels, ownerKeyId }, fingerprint));
  }

  /** Writes one profile. @throws {AppError} VALIDATION_FAILED when its proxy is not there */
  async insert(profile: NewProfile): Promise<ProfileRecord> {
    const [record] = await this.insertAll([profile]);
    if (record === undefined) throw new Error('A profile was not written');
    return record;
  }

  /** Writes profiles, all or none. @throws {AppError} VALIDATION_FAILED */
  async insertAll(profiles: readonly NewProfile[]): Promise<ProfileRecord[]> {
    try {
      return await this.#deps.profiles.insert(profiles);
    } catch (error) {
      throw nameWriteFailure(error);
    }
  }

  /** @throws {AppError} PROFILE_NOT_FOUND, PROFILE_INCOHERENT, VALIDATION_FAILED */
  async update(id: string, { allowIncoherent = false, ...changes }: UpdateProfile): Promise<ProfileRecord> {
    if (changes.fingerprint !== undefined && !allowIncoherent) this.assertCoherent(changes.fingerprint);
    try {
      const record = await this.#deps.profiles.update(id, changes);
      if (record !== undefined) return record;
    } catch (error) {
      throw nameWriteFailure(error);
    }
    throw noSuchProfile(id);
  }

  /** Deletes a profile with all that was saved of it. @throws {AppError} PROFILE_NOT_FOUND, PROFILE_LOCKED */
  async delete(id: string): Promise<void> {
    await this.getFree(id);
    await this.#deps.states.deleteAll(id);
    if (await this.#deps.profiles.delete(id)) return;
    // A session has put it on meanwhile, or somebody else has deleted it.
    await this.getFree(id);
    throw noSuchProfile(id);
  }

  /** A fingerprint that meets constraints. @throws {AppError} VALIDATION_FAILED */
  generate(constraints: FingerprintConstraints): Fingerprint {
    return this.#deps.identity.generate(constraints);
  }

  /** A fingerprint from constraints, saved where that is asked for. @throws {AppError} VALIDATION_FAILED */
  async generateAndSave(
    { save, ...constraints }: GenerateFingerprint,
    ownerKeyId: string | null,
  ): Promise<{
    readonly fingerprint: Fingerprint;
    readonly profile: ProfileRecord | undefined;
  }> {
    const fingerprint = this.generate(constraints);
    return { fingerprint, profile: save && (await this.insert(toNewProfile({ ...save, ownerKeyId }, fingerprint))) };
  }

  /** What the coherence rules say; with `repair` also the fingerprint mended. */
  validate(fingerprint: Fingerprint, { repair }: { readonly repair: boolean }): Verdict {
    const { identity } = this.#deps;
    const faults = identity.findFaults(fingerprint);
    return { faults, repaired: repair ? identity.repair(fingerprint) : undefined };
  }

  /** As `validate`, for a saved profile; its mended fingerprint is saved, too. @throws {AppError} PROFILE_NOT_FOUND */
  async validateSaved(id: string, { repair }: { readonly repair: boolean }): Promise<Verdict> {
    const { fingerprint } = await this.get(id);
    const verdict = this.validate(fingerprint, { repair });
    if (verdict.repaired !== undefined && verdict.faults.length > 0) {
      await this.update(id, { fingerprint: verdict.repaired, allowIncoherent: true });
    }
    return verdict;
  }

  /** Moves a profile to the version of the browser that runs here. @throws {AppError} PROFILE_NOT_FOUND */
  async updateBrowserVersion(id: string): Promise<ProfileRecord> {
    const { fingerprint } = await this.get(id);
    return this.update(id, {
      fingerprint: this.#deps.identity.updateBrowserVersion(fingerprint),
      // What else is wrong with it was so before.
      allowIncoherent: true,
    });
  }

  /**
   * Makes another profile of the same fingerprint, with the newest saved state where that is asked for.
   *
   * @throws {AppError} PROFILE_NOT_FOUND, PROFILE_STATE_UNREADABLE
   */
  async duplicate(
    id: string,
    options: { readonly name?: string; readonly withState?: boolean },
    signal: AbortSignal,
  ): Promise<ProfileRecord> {
    const { states } = this.#deps;
    const original = await this.get(id);
    const { name = `${original.name.slice(0, MAX_NAME_LENGTH - 7)} (copy)`, withState = false } = options;
    const copy = await this.insert({ ...original, name });
    if (!withState || original.state === null) return copy;
    try {
      await using state = await states.open(id, original.state, signal);
      await states.save(copy.id, { ...state, writer: null }, signal);
    } catch (error) {
      await this.delete(copy.id);
      throw error;
    }
    return this.get(copy.id);
  }

  /**
   * Takes the profile off the session that wears it, by ending that session, which saves what it has to; frees a lock whose
   * session is gone.
   *
   * @throws {AppError} PROFILE_NOT_FOUND
   */
  async unlock(id: string): Promise<ProfileRecord> {
    const { lockedBy } = await this.get(id);
    if (lockedBy !== null) {
      await this.#deps.endSession(lockedBy);
      await this.#deps.profiles.unlockEnded(id, lockedBy);
    }
    return this.get(id);
  }

  /** @throws {AppError} PROFILE_NOT_FOUND */
  async listStates(id: string): Promise<StateRecord[]> {
    await this.get(id);
    return this.#deps.states.list(id);
  }

  /**
   * Makes an older version of the saved state the newest one, as a version of its own.
   *
   * @throws {AppError} PROFILE_NOT_FOUND, PROFILE_STATE_NOT_FOUND, PROFILE_LOCKED, PROFILE_STATE_UNREADABLE
   */
  async restoreState(id: string, version: number, signal: AbortSignal): Promise<ProfileRecord> {
    const { states } = this.#deps;
    await this.getFree(id);
    await using state = await states.open(id, await this.getState(id, version), signal);
    await states.save(id, { ...state, writer: null }, signal);
    return await this.get(id);
  }

  /** A version of the saved state. @throws {AppError} PROFILE_STATE_NOT_FOUND */
  async getState(id: string, version: number): Promise<StateRecord> {
    const state = await this.#deps.states.find(id, version);
    if (state === undefined) {
      throw new AppError('PROFILE_STATE_NOT_FOUND', `The profile has no version ${version} of its saved state`);
    }
    return state;
  }

  /** A profile that nobody wears now. @throws {AppError} PROFILE_NOT_FOUND, PROFILE_LOCKED */
  async getFree(id: string): Promise<ProfileRecord> {
    const record = await this.get(id);
    if (record.lockedBy !== null) throw wornBy(record.lockedBy);
    return record;
  }

  /** @throws {AppError} PROFILE_INCOHERENT */
  assertCoherent(fingerprint: Fingerprint): void {
    const faults = this.#deps.identity.findFaults(fingerprint);
    if (faults.length > 0) throw incoherent(faults);
  }
}
