import {
  BulkProfiles,
  BulkResult,
  CookieList,
  CreateProfile,
  DuplicateProfile,
  ExportProfileQuery,
  GeneratedFingerprint,
  GenerateFingerprint,
  ImportProfileQuery,
  ImportResult,
  ListProfilesQuery,
  Problem,
  Profile,
  PROFILE_FILE_TYPE,
  ProfileList,
  ProfileStateList,
  RestoreState,
  SetProfileCookies,
  UpdateProfile,
  ValidateFingerprint,
  ValidateProfile,
  Validation,
} from '@guise/contract';
import { Type } from 'typebox';

const tags = ['profiles'];
const params = Type.Object({ profileId: Type.String({ description: 'The `id` of the profile.' }) });
const problems = { '4xx': Problem, '5xx': Problem };
const anything = Type.Unsafe<unknown>({});
const NoContent = Type.Null({ description: 'It is gone.' });

/** What each route of profiles takes and gives, for validation and for the OpenAPI document. */
export const PROFILE_OPERATIONS = {
  listProfiles: {
    operationId: 'listProfiles',
    summary: 'List profiles, newest first',
    tags,
    querystring: ListProfilesQuery,
    response: { 200: ProfileList, ...problems },
  },
  createProfile: {
    operationId: 'createProfile',
    summary: 'Save a profile, with the fingerprint given or one made from constraints',
    tags,
    body: CreateProfile,
    response: { 201: Profile, ...problems },
  },
  getProfile: {
    operationId: 'getProfile',
    summary: 'Read one profile',
    tags,
    params,
    response: { 200: Profile, ...problems },
  },
  updateProfile: {
    operationId: 'updateProfile',
    summary: 'Change a profile; a session that wears it keeps what it has',
    tags,
    params,
    body: UpdateProfile,
    response: { 200: Profile, ...problems },
  },
  deleteProfile: {
    operationId: 'deleteProfile',
    summary: 'Delete a profile that no session wears, with all that was saved of it',
    tags,
    params,
    response: { 204: NoContent, ...problems },
  },
  generateFingerprint: {
    operationId: 'generateFingerprint',
    summary: 'Make a fingerprint from constraints; `save` stores it as a profile',
    tags,
    body: GenerateFingerprint,
    response: { 200: GeneratedFingerprint, ...problems },
  },
  validateFingerprint: {
    operationId: 'validateFingerprint',
    summary: 'Check a fingerprint against the coherence rules; `repair` answers with it mended',
    tags,
    body: ValidateFingerprint,
    response: { 200: Validation, ...problems },
  },
  validateProfile: {
    operationId: 'validateProfile',
    summary: 'Check a saved profile; `repair` saves it mended',
    tags,
    params,
    body: ValidateProfile,
    response: { 200: Validation, ...problems },
  },
  duplicateProfile: {
    operationId: 'duplicateProfile',
    summary: 'Make another profile of the same fingerprint',
    tags,
    params,
    body: DuplicateProfile,
    response: { 201: Profile, ...problems },
  },
  bulkProfiles: {
    operationId: 'bulkProfiles',
    summary: 'Create, delete, tag or untag many profiles; the answer says what became of each',
    tags,
    body: BulkProfiles,
    response: { 200: BulkResult, ...problems },
  },
  unlockProfile: {
    operationId: 'unlockProfile',
    summary: 'Take the profile off the session that wears it, which ends; or free a lock whose session is gone',
    tags,
    params,
    response: { 200: Profile, ...problems },
  },
  updateProfileBrowserVersion: {
    operationId: 'updateProfileBrowserVersion',
    summary: 'Move the fingerprint to the version of the browser that runs here',
    tags,
    params,
    response: { 200: Profile, ...problems },
  },
  listProfileStates: {
    operationId: 'listProfileStates',
    summary: 'The versions of the saved state that are kept, newest first',
    tags,
    params,
    response: { 200: ProfileStateList, ...problems },
  },
  restoreProfileState: {
    operationId: 'restoreProfileState',
    summary: 'Make an older version of the saved state the newest one',
    tags,
    params,
    body: RestoreState,
    response: { 200: Profile, ...problems },
  },
  exportProfile: {
    operationId: 'exportProfile',
    summary: 'The whole profile as one file, its saved state unencrypted: treat it as a secret',
    tags,
    params,
    querystring: ExportProfileQuery,
    response: {
      200: {
        description: 'A tar archive, compressed with zstd',
        content: { [PROFILE_FILE_TYPE]: { schema: Type.Unsafe<unknown>({ type: 'string', format: 'binary' }) } },
      },
      ...problems,
    },
  },
  importProfile: {
    operationId: 'importProfile',
    summary: 'Make a profile of such a file',
    tags,
    querystring: ImportProfileQuery,
    // The stream itself, which no schema can look into.
    body: { content: { [PROFILE_FILE_TYPE]: { schema: anything } } },
    response: { 200: ImportResult, 201: ImportResult, ...problems },
  },
  getProfileCookies: {
    operationId: 'getProfileCookies',
    summary: 'The cookies of the saved state; with Accept: text/plain as a Netscape cookie file',
    tags,
    params,
    response: { 200: CookieList, ...problems },
  },
  replaceProfileCookies: {
    operationId: 'replaceProfileCookies',
    summary: 'Replace the cookies of the saved state, by JSON or a Netscape cookie file (text/plain)',
    tags,
    params,
    body: {
      content: {
        'application/json': { schema: SetProfileCookies },
        'text/plain': { schema: Type.String() },
      },
    },
    response: { 200: CookieList, ...problems },
  },
};
