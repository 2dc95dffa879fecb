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

import { type Actor, scopeOf } from '../../lib/actor.ts';
import { AppError } from '../../lib/app-error.ts';
import { toCursor, toPosition } from '../../lib/list-cursor.ts';
import { runBulk } from './bulk-profiles.ts';
import { readSavedCookies, replaceSavedCookies } from './profile-cookies.ts';
import { exportProfile, importProfile, type ProfileFile } from './profile-file.ts';
import { noSuchDefaultProxy } from './profile-failures.ts';
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
  list(query: ListProfilesQuery, actor: Actor): Promise<ProfileList>;
  create(input: CreateProfile, actor: Actor): Promise<Profile>;
  get(wish: ProfileChoice): Promise<Profile>;
  update(wish: UpdateProfile & ProfileChoice, actor: Actor): Promise<Profile>;
  delete(wish: ProfileChoice): Promise<void>;
  generate(input: GenerateFingerprint, actor: Actor): Promise<GeneratedFingerprint>;
  validate(input: ValidateFingerprint): Promise<Validation>;
  validateSaved(wish: ValidateProfile & ProfileChoice): Promise<Validation>;
  duplicate(wish: DuplicateProfile & ProfileChoice, signal: AbortSignal): Promise<Profile>;
  bulk(input: BulkProfiles, actor: Actor): Promise<BulkResult>;
  unlock(wish: ProfileChoice): Promise<Profile>;
  updateBrowserVersion(wish: ProfileChoice): Promise<Profile>;
  listStates(wish: ProfileChoice): Promise<ProfileStateList>;
  restoreState(wish: ProfileChoice & { version: number }, signal: AbortSignal): Promise<Profile>;
  /** The caller must read the file to its end, or end its iteration. */
  exportFile(wish: ExportProfileQuery & ProfileChoice, signal: AbortSignal): Promise<ProfileFile>;
  importFile(
    content: AsyncIterable<Uint8Array>,
    options: ImportProfileQuery & { readonly actor: Actor },
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
  /** Whether an actor sees a proxy; false also where there is none. */
  readonly seesProxy: (actor: Actor, proxyId: string) => Promise<boolean>;
}

/** Another tenant's proxy is none. @throws {AppError} VALIDATION_FAILED */
async function checkProxy(
  { seesProxy }: CommandDeps,
  { defaultProxyId }: { readonly defaultProxyId?: string | null },
  actor: Actor,
): Promise<void> {
  if (defaultProxyId == null || scopeOf(actor) === undefined) return;
  if (!(await seesProxy(actor, defaultProxyId))) throw noSuchDefaultProxy();
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
    async list({ limit = DEFAULT_PAGE_SIZE, cursor, ...filter }, actor) {
      // One more than asked for tells whether there is a next page.
      const records = await service.list({
        ...filter,
        ownerKeyId: scopeOf(actor),
        after: toPosition(cursor),
        limit: limit + 1,
      });
      const page = records.slice(0, limit);
      const last = page.at(-1);
      const nextCursor = records.length > limit && last !== undefined ? toCursor(last) : null;
      return { profiles: page.map(toProfile), nextCursor };
    },
    async create(input, actor) {
      await checkProxy(deps, input, actor);
      return toProfile(await service.create(input, actor.tenantId));
    },
    async get(wish) {
      return toProfile(await service.get(toProfileId(wish)));
    },
    async update({ profileId, ...changes }, actor) {
      await checkProxy(deps, changes, actor);
      return toProfile(await service.update(toProfileId({ profileId }), changes));
    },
    async delete(wish) {
      await service.delete(toProfileId(wish));
    },
    async generate(input, actor) {
      await checkProxy(deps, input.save ?? {}, actor);
      const { fingerprint, profile } = await service.generateAndSave(input, actor.tenantId);
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
    async bulk(input, actor) {
      return runBulk(deps, input, actor);
    },
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
    async importFile(content, { actor, ...query }, signal) {
      const options = { ...query, ownerKeyId: actor.tenantId };
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
