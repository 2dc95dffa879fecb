import type {
  BulkProfiles,
  BulkResult,
  Cookie,
  CookieInput,
  CreateProfile,
  DuplicateProfile,
  ExportProfileQuery,
  GeneratedFingerprint,
  GenerateFingerprint,
  ImportProfileQuery,
  ImportResult,
  ListProfilesQuery,
  Profile,
  ProfileList,
  ProfileStateList,
  UpdateProfile,
  ValidateFingerprint,
  ValidateProfile,
  Validation,
} from '@guise/contract';

import { AppError } from '../../lib/app-error.ts';
import { toCursor, toPosition } from '../../lib/list-cursor.ts';
import { runBulk } from './bulk-profiles.ts';
import { readSavedCookies, replaceSavedCookies } from './profile-cookies.ts';
import { exportProfile, importProfile, type ProfileFile } from './profile-file.ts';
import type { ProfileRepository } from './profile-repository.ts';
import type { ProfileService } from './profile-service.ts';
import { toProfile, toProfileState, toValidation } from './profile-view.ts';
import type { ProfileStates } from './state/profile-states.ts';

const DEFAULT_PAGE_SIZE = 50;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

interface ProfileChoice {
  readonly profileId: string;
}

/** What a client can ask of profiles. All reject with {AppError}, PROFILE_NOT_FOUND for what is no id. */
export interface ProfileCommands {
  list(query: ListProfilesQuery): Promise<ProfileList>;
  create(input: CreateProfile): Promise<Profile>;
  get(wish: ProfileChoice): Promise<Profile>;
  update(wish: UpdateProfile & ProfileChoice): Promise<Profile>;
  delete(wish: ProfileChoice): Promise<void>;
  generate(input: GenerateFingerprint): Promise<GeneratedFingerprint>;
  validate(input: ValidateFingerprint): Promise<Validation>;
  validateSaved(wish: ValidateProfile & ProfileChoice): Promise<Validation>;
  duplicate(wish: DuplicateProfile & ProfileChoice, signal: AbortSignal): Promise<Profile>;
  bulk(input: BulkProfiles): Promise<BulkResult>;
  unlock(wish: ProfileChoice): Promise<Profile>;
  updateBrowserVersion(wish: ProfileChoice): Promise<Profile>;
  listStates(wish: ProfileChoice): Promise<ProfileStateList>;
  restoreState(wish: ProfileChoice & { version: number }, signal: AbortSignal): Promise<Profile>;
  /** The caller must read the file to its end, or end its iteration. */
  exportFile(wish: ExportProfileQuery & ProfileChoice, signal: AbortSignal): Promise<ProfileFile>;
  importFile(
    content: AsyncIterable<Uint8Array>,
    options: ImportProfileQuery,
    signal: AbortSignal,
  ): Promise<ImportResult>;
  getCookies(wish: ProfileChoice, signal: AbortSignal): Promise<Cookie[]>;
  setCookies(wish: ProfileChoice & { cookies: readonly CookieInput[] }, signal: AbortSignal): Promise<Cookie[]>;
}

function toProfileId({ profileId }: ProfileChoice): string {
  if (UUID.test(profileId)) return profileId.toLowerCase();
  throw new AppError('PROFILE_NOT_FOUND', 'There is no such profile: that is not the id of one');
}

interface CommandDeps {
  readonly service: ProfileService;
  readonly profiles: ProfileRepository;
  readonly states: ProfileStates;
}

/** Those about what profiles have saved. */
type StateCommands = Pick<
  ProfileCommands,
  'listStates' | 'restoreState' | 'exportFile' | 'importFile' | 'getCookies' | 'setCookies'
>;

/** See `ProfileCommands`. */
export function profileCommands(deps: CommandDeps): ProfileCommands {
  const { service } = deps;
  return {
    ...stateCommands(deps),
    async list({ limit = DEFAULT_PAGE_SIZE, cursor, ...filter }) {
      // One more than asked for tells whether there is a next page.
      const records = await service.list({ ...filter, after: toPosition(cursor), limit: limit + 1 });
      const page = records.slice(0, limit);
      const last = page.at(-1);
      const nextCursor = records.length > limit && last !== undefined ? toCursor(last) : null;
      return { profiles: page.map(toProfile), nextCursor };
    },
    async create(input) {
      return toProfile(await service.create(input));
    },
    async get(wish) {
      return toProfile(await service.get(toProfileId(wish)));
    },
    async update({ profileId, ...changes }) {
      return toProfile(await service.update(toProfileId({ profileId }), changes));
    },
    async delete(wish) {
      await service.delete(toProfileId(wish));
    },
    async generate(input) {
      const { fingerprint, profile } = await service.generateAndSave(input);
      return { fingerprint, profile: profile === undefined ? null : toProfile(profile) };
    },
    async validate({ fingerprint, repair = false }) {
      return toValidation(service.validate(fingerprint, { repair }));
    },
    async validateSaved({ repair = false, ...wish }) {
      return toValidation(await service.validateSaved(toProfileId(wish), { repair }));
    },
    async duplicate({ profileId, ...options }, signal) {
      return toProfile(await service.duplicate(toProfileId({ profileId }), options, signal));
    },
    bulk: (input) => runBulk(deps, input),
    async unlock(wish) {
      return toProfile(await service.unlock(toProfileId(wish)));
    },
    async updateBrowserVersion(wish) {
      return toProfile(await service.updateBrowserVersion(toProfileId(wish)));
    },
  };
}

function stateCommands(deps: CommandDeps): StateCommands {
  const { service } = deps;
  return {
    async listStates(wish) {
      return { states: (await service.listStates(toProfileId(wish))).map(toProfileState) };
    },
    async restoreState({ version, ...wish }, signal) {
      return toProfile(await service.restoreState(toProfileId(wish), version, signal));
    },
    async exportFile({ profileId, ...options }, signal) {
      return exportProfile(deps, { id: toProfileId({ profileId }), ...options }, signal);
    },
    async importFile(content, options, signal) {
      const { profile, ...told } = await importProfile(deps, { content, options }, signal);
      return { profile: profile === undefined ? null : toProfile(profile), ...told };
    },
    async getCookies(wish, signal) {
      return readSavedCookies(deps, toProfileId(wish), signal);
    },
    async setCookies({ cookies, ...wish }, signal) {
      return replaceSavedCookies(deps, { id: toProfileId(wish), cookies }, signal);
    },
  };
}
