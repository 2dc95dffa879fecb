import { type Static, Type } from 'typebox';

import { CookieInput } from './cookie.ts';
import { CoherenceFault, Fingerprint, FingerprintConstraints, OsFamily } from './fingerprint.ts';
import { OPTIONAL_BODY } from './session.ts';
import { Uuid } from './uuid.ts';
import { STORABLE_TEXT } from './storable-text.ts';

const strict = { additionalProperties: false } as const;

/** How many profiles one bulk request may be about. */
export const MAX_BULK_PROFILES = 1_000;

/** Media type of an exported profile: a tar archive, compressed with zstd. */
export const PROFILE_FILE_TYPE = 'application/zstd';

const ProfileName = Type.String({ minLength: 1, maxLength: 200, pattern: STORABLE_TEXT });
const Notes = Type.String({ maxLength: 20_000, pattern: STORABLE_TEXT });
const Folder = Type.String({ minLength: 1, maxLength: 200, pattern: STORABLE_TEXT });
const Tag = Type.String({ minLength: 1, maxLength: 64, pattern: STORABLE_TEXT });
const Tags = Type.Array(Tag, { maxItems: 64, uniqueItems: true });
const Moment = Type.String({ format: 'date-time' });
const ProfileIds = Type.Array(Uuid, { minItems: 1, maxItems: MAX_BULK_PROFILES, uniqueItems: true });
const AllowIncoherent = Type.Boolean({
  default: false,
  description: 'Saves a fingerprint although it breaks coherence rules.',
});

/** What is kept of a profile's browser between its sessions: cookies, storage, databases. */
export const ProfileState = Type.Object({
  version: Type.Integer({ description: 'Counts up with each save.' }),
  savedAt: Moment,
  sizeBytes: Type.Integer({ description: 'As stored: compressed and encrypted.' }),
  chromiumVersion: Type.Union([Type.String(), Type.Null()], { description: 'Of the browser that wrote it.' }),
  savedBySessionId: Type.Union([Type.String(), Type.Null()]),
});
export type ProfileState = Static<typeof ProfileState>;

/** A saved identity. */
export const Profile = Type.Object({
  id: Uuid,
  name: Type.String(),
  notes: Type.String(),
  folder: Type.Union([Type.String(), Type.Null()]),
  tags: Type.Array(Type.String()),
  fingerprint: Fingerprint,
  defaultProxyId: Type.Union([Uuid, Type.Null()]),
  state: Type.Union([ProfileState, Type.Null()], { description: 'The newest version; null: nothing was saved yet.' }),
  lockedBy: Type.Union([Uuid, Type.Null()], { description: 'The session that wears it.' }),
  useCount: Type.Integer({ description: 'Sessions ever started with it.' }),
  lastUsedAt: Type.Union([Moment, Type.Null()]),
  createdAt: Moment,
  updatedAt: Moment,
});
export type Profile = Static<typeof Profile>;

const Labels = {
  notes: Type.Optional(Notes),
  folder: Type.Optional(Type.Union([Folder, Type.Null()])),
  tags: Type.Optional(Tags),
  defaultProxyId: Type.Optional(Type.Union([Uuid, Type.Null()])),
};

/** Body of `POST /api/profiles`: with the fingerprint it is given, or one made from constraints. */
export const CreateProfile = Type.Object(
  {
    name: ProfileName,
    ...Labels,
    fingerprint: Type.Optional(Fingerprint),
    constraints: Type.Optional(FingerprintConstraints),
    allowIncoherent: Type.Optional(AllowIncoherent),
  },
  { ...strict, description: 'A profile to save; without `fingerprint` one is made from `constraints`.' },
);
export type CreateProfile = Static<typeof CreateProfile>;

/** Body of `PATCH /api/profiles/:id`. */
export const UpdateProfile = Type.Object(
  {
    name: Type.Optional(ProfileName),
    ...Labels,
    fingerprint: Type.Optional(Fingerprint),
    allowIncoherent: Type.Optional(AllowIncoherent),
  },
  { ...strict, minProperties: 1 },
);
export type UpdateProfile = Static<typeof UpdateProfile>;

/** Query of `GET /api/profiles`. */
export const ListProfilesQuery = Type.Object(
  {
    tag: Type.Optional(Tag),
    os: Type.Optional(OsFamily),
    locale: Type.Optional(Type.String({ maxLength: 35, pattern: STORABLE_TEXT })),
    name: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 200,
        pattern: STORABLE_TEXT,
        description: 'Beginning of the name, in either case.',
      }),
    ),
    folder: Type.Optional(Folder),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
    cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  },
  strict,
);
export type ListProfilesQuery = Static<typeof ListProfilesQuery>;

export const ProfileList = Type.Object({
  profiles: Type.Array(Profile),
  nextCursor: Type.Union([Type.String(), Type.Null()], { description: 'Pass as `cursor` for the next page.' }),
});
export type ProfileList = Static<typeof ProfileList>;

/** Body of `POST /api/profiles/generate`. */
export const GenerateFingerprint = Type.Object(
  {
    ...FingerprintConstraints.properties,
    save: Type.Optional(
      Type.Object({ name: ProfileName, ...Labels }, { ...strict, description: 'Also saves it as a profile.' }),
    ),
  },
  { ...strict, ...OPTIONAL_BODY },
);
export type GenerateFingerprint = Static<typeof GenerateFingerprint>;

export const GeneratedFingerprint = Type.Object({
  fingerprint: Fingerprint,
  profile: Type.Union([Profile, Type.Null()], { description: 'null unless it was to be saved.' }),
});
export type GeneratedFingerprint = Static<typeof GeneratedFingerprint>;

const Repair = Type.Boolean({ default: false, description: 'Also answers with the fingerprint mended.' });

/** Body of `POST /api/profiles/validate`. */
export const ValidateFingerprint = Type.Object({ fingerprint: Fingerprint, repair: Type.Optional(Repair) }, strict);
export type ValidateFingerprint = Static<typeof ValidateFingerprint>;

/** Body of `POST /api/profiles/:id/validate`; with `repair` the mended fingerprint is saved, too. */
export const ValidateProfile = Type.Object({ repair: Type.Optional(Repair) }, { ...strict, ...OPTIONAL_BODY });
export type ValidateProfile = Static<typeof ValidateProfile>;

export const Validation = Type.Object({
  isCoherent: Type.Boolean(),
  faults: Type.Array(CoherenceFault),
  repaired: Type.Union([Fingerprint, Type.Null()], { description: 'null unless a repair was asked for.' }),
});
export type Validation = Static<typeof Validation>;

/** Body of `POST /api/profiles/:id/duplicate`. */
export const DuplicateProfile = Type.Object(
  {
    name: Type.Optional(ProfileName),
    withState: Type.Optional(
      Type.Boolean({ default: false, description: 'Also copies the newest saved state: cookies, storage.' }),
    ),
  },
  { ...strict, ...OPTIONAL_BODY },
);
export type DuplicateProfile = Static<typeof DuplicateProfile>;

/** Body of `POST /api/profiles/bulk`: one thing done to many profiles. */
export const BulkProfiles = Type.Union([
  Type.Object(
    {
      action: Type.Enum(['create']),
      count: Type.Integer({ minimum: 1, maximum: MAX_BULK_PROFILES }),
      name: Type.String({ ...ProfileName, description: 'Each gets it with its number behind.' }),
      notes: Type.Optional(Notes),
      folder: Type.Optional(Folder),
      tags: Type.Optional(Tags),
      constraints: Type.Optional(FingerprintConstraints),
    },
    strict,
  ),
  Type.Object({ action: Type.Enum(['delete']), ids: ProfileIds }, strict),
  Type.Object({ action: Type.Enum(['tag', 'untag']), ids: ProfileIds, tags: Tags }, strict),
]);
export type BulkProfiles = Static<typeof BulkProfiles>;

/** What became of each profile of a bulk request, in its order. */
export const BulkResult = Type.Object({
  succeeded: Type.Integer(),
  failed: Type.Integer(),
  results: Type.Array(
    Type.Object({
      id: Type.Union([Type.String(), Type.Null()], { description: 'null: one that was not made.' }),
      ok: Type.Boolean(),
      code: Type.Union([Type.String(), Type.Null()], { description: 'Of the problem.' }),
      detail: Type.Union([Type.String(), Type.Null()]),
    }),
  ),
});
export type BulkResult = Static<typeof BulkResult>;

/** Query of `POST /api/profiles/import`. */
export const ImportProfileQuery = Type.Object(
  {
    dryRun: Type.Optional(Type.Boolean({ default: false, description: 'Checks the file and saves nothing.' })),
    name: Type.Optional(ProfileName),
    allowIncoherent: Type.Optional(AllowIncoherent),
  },
  strict,
);
export type ImportProfileQuery = Static<typeof ImportProfileQuery>;

/** Query of `GET /api/profiles/:id/export`. */
export const ExportProfileQuery = Type.Object(
  {
    withState: Type.Optional(
      Type.Boolean({ default: true, description: 'false: the fingerprint and the labels only.' }),
    ),
    version: Type.Optional(Type.Integer({ minimum: 1, description: 'Of the saved state; absent: the newest.' })),
  },
  strict,
);
export type ExportProfileQuery = Static<typeof ExportProfileQuery>;

/** Answer of an import; `profile` is null for a dry run. */
export const ImportResult = Type.Object({
  profile: Type.Union([Profile, Type.Null()]),
  name: Type.String(),
  isCoherent: Type.Boolean(),
  faults: Type.Array(CoherenceFault),
  stateFiles: Type.Integer({ description: 'Files of the saved state.' }),
  stateBytes: Type.Integer({ description: 'What they take, unpacked.' }),
});
export type ImportResult = Static<typeof ImportResult>;

export const ProfileStateList = Type.Object({ states: Type.Array(ProfileState) });
export type ProfileStateList = Static<typeof ProfileStateList>;

/** Body of `POST /api/profiles/:id/states/restore`: makes an older version the newest one. */
export const RestoreState = Type.Object({ version: Type.Integer({ minimum: 1 }) }, strict);
export type RestoreState = Static<typeof RestoreState>;

/** Body of `PUT /api/profiles/:id/cookies`; as `text/plain` it is a Netscape cookie file. */
export const SetProfileCookies = Type.Object({ cookies: Type.Array(CookieInput, { maxItems: 10_000 }) }, strict);
export type SetProfileCookies = Static<typeof SetProfileCookies>;
