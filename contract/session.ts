import { type Static, type TNull, type TSchema, type TUnion, Type } from 'typebox';

import { SessionTraffic } from './egress.ts';
import { Fingerprint, FingerprintConstraints } from './fingerprint.ts';
import { CloseReason, RecycleMode, SessionState, StealthLevel } from './session-lifecycle.ts';
import { EGRESS_CHANGES, EGRESS_OPTIONS, SessionProxy, SessionWarning } from './session-egress.ts';
import { STORABLE_TEXT } from './storable-text.ts';
import { Uuid } from './uuid.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** Defaults of a session that no setting changes. */
export const SESSION_DEFAULTS = {
  viewport: { width: 1280, height: 720 },
  stealthLevel: 'advanced',
  headless: true,
  recycle: 'close',
} as const;

/** Marks a body that may be left out, which then means one without members. */
export const OPTIONAL_BODY = { 'x-optional': true } as const;

const TimeoutMs = Type.Integer({
  minimum: 1_000,
  maximum: 7 * DAY_MS,
  description: 'Milliseconds without a request or a CDP message after which the session is closed.',
});
const MaxLifetimeMs = Type.Integer({
  minimum: 1_000,
  maximum: 30 * DAY_MS,
  description: 'Milliseconds after creation at which the session is closed, in use or not.',
});

const MaxRequests = Type.Integer({
  minimum: 1,
  maximum: 1_000_000_000,
  description: 'REST requests and CDP commands after which the session is recycled, at its next quiet moment.',
});
const MemoryLimitMb = Type.Integer({
  minimum: 64,
  maximum: 1_000_000,
  description: "Megabytes (2^20 bytes) of memory, of all the browser's processes together, above which it is recycled.",
});
const orNone = <Schema extends TSchema>(schema: Schema): TUnion<[Schema, TNull]> =>
  Type.Union([schema, Type.Null()], { description: 'null: no limit.' });

export const Viewport = Type.Object(
  {
    width: Type.Integer({ minimum: 200, maximum: 7_680, description: 'CSS pixels.' }),
    height: Type.Integer({ minimum: 200, maximum: 4_320, description: 'CSS pixels.' }),
    deviceScaleFactor: Type.Optional(Type.Number({ minimum: 0.5, maximum: 4 })),
  },
  { additionalProperties: false, description: 'Size of the page inside the window.' },
);
export type Viewport = Static<typeof Viewport>;

export const Geolocation = Type.Object(
  {
    latitude: Type.Number({ minimum: -90, maximum: 90 }),
    longitude: Type.Number({ minimum: -180, maximum: 180 }),
    accuracy: Type.Optional(Type.Number({ minimum: 0, maximum: 100_000, description: 'Metres.' })),
  },
  { additionalProperties: false, description: 'What pages are told; they are also granted the permission to ask.' },
);
export type Geolocation = Static<typeof Geolocation>;

/** A place, or the word for that of the exit: only the mistakes of what was meant are told. */
const GeolocationWish = Type.Unsafe<Geolocation | 'auto'>({
  if: { type: 'string' },
  then: { const: 'auto' },
  else: Geolocation,
  description: 'A place, or auto: where the exit is.',
});

/** Free labels a client puts on a session and filters by. */
export const Metadata = Type.Record(
  Type.String({ pattern: '^[^\\u0000\\ud800-\\udfff]{1,64}$' }),
  Type.String({ maxLength: 1_024, pattern: STORABLE_TEXT }),
  { maxProperties: 64, additionalProperties: false, description: 'Labels: up to 64, names up to 64 characters.' },
);
export type Metadata = Static<typeof Metadata>;

/** Where a client may send a browser over REST: not to files or to the browser's own pages. */
export const PageUrl = Type.String({
  minLength: 1,
  maxLength: 65_536,
  // Control characters are in no URL, and neither they nor lone surrogates can be stored.
  pattern: '^([hH][tT][tT][pP][sS]?://[^\\u0000-\\u001f\\ud800-\\udfff]+|about:blank|data:[^\\u0000\\ud800-\\udfff]*)$',
  description: 'An http, https or data URL, or about:blank.',
});

/** An inline fingerprint if it names its schema, and else constraints for one: only the mistakes of what was meant are told. */
const InlineProfile = Type.Unsafe<Fingerprint | FingerprintConstraints>({
  type: 'object',
  if: { type: 'object', required: ['schema'] },
  then: Fingerprint,
  else: FingerprintConstraints,
  description: 'A whole fingerprint (it has a `schema`), or constraints for one. Default: a Windows desktop.',
});

/** Body of `POST /api/sessions/create`. All of it is optional. */
export const CreateSession = Type.Object(
  {
    headless: Type.Optional(
      Type.Boolean({
        description: 'false: a window on a virtual display. Default true; at `stealthLevel` maximum always false.',
      }),
    ),
    stealthLevel: Type.Optional(StealthLevel),
    viewport: Type.Optional(Viewport),
    timezone: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 64,
        description: 'IANA name, such as Europe/Berlin. auto: that of the exit.',
      }),
    ),
    locale: Type.Optional(
      Type.String({
        pattern: '^([A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*|auto)$',
        maxLength: 35,
        description: 'BCP 47 tag, such as de-DE. auto: the one most used where the exit is.',
      }),
    ),
    geolocation: Type.Optional(GeolocationWish),
    userAgent: Type.Optional(Type.String({ minLength: 1, maxLength: 512, pattern: '^[\\x20-\\x7e]+$' })),
    timeoutMs: Type.Optional(TimeoutMs),
    maxLifetimeMs: Type.Optional(MaxLifetimeMs),
    maxRequests: Type.Optional(orNone(MaxRequests)),
    memoryLimitMb: Type.Optional(orNone(MemoryLimitMb)),
    recycle: Type.Optional(RecycleMode),
    metadata: Type.Optional(Metadata),
    startUrl: Type.Optional(PageUrl),
    launchArgs: Type.Optional(
      Type.Array(Type.String({ pattern: '^--[a-z][\\x20-\\x7e]*$', maxLength: 1_024 }), {
        maxItems: 32,
        description: 'Chromium flags from the allow-list.',
      }),
    ),
    extensions: Type.Optional(
      Type.Array(Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' }), {
        maxItems: 16,
        uniqueItems: true,
        description: "Names of unpacked extensions in the service's extensions folder.",
      }),
    ),
    profileId: Type.Optional(
      Type.String({
        ...Uuid,
        description:
          'A saved profile to wear: its fingerprint from stealthLevel advanced on, its saved state at every level.',
      }),
    ),
    profile: Type.Optional(InlineProfile),
    allowIncoherent: Type.Optional(
      Type.Boolean({ description: 'Wear a fingerprint that contradicts itself, which is refused otherwise.' }),
    ),
    persist: Type.Optional(
      Type.Boolean({
        description: "Save the profile's state at the end: cookies, storage, databases. Needs profileId.",
      }),
    ),
    persistCache: Type.Optional(Type.Boolean({ description: 'Save the browser cache with it. Needs persist.' })),
    takeOver: Type.Optional(
      Type.Boolean({ description: 'End the session that wears the profile, in place of a 409 PROFILE_LOCKED.' }),
    ),
    checkpoint: Type.Optional(
      Type.Boolean({
        description:
          'Keep every few seconds what another node needs to go on with the session when this one is lost: cookies, storage, open pages.',
      }),
    ),
    record: Type.Optional(Type.Boolean()),
    ...EGRESS_OPTIONS,
  },
  { additionalProperties: false, ...OPTIONAL_BODY },
);
export type CreateSession = Static<typeof CreateSession>;

/** Options of `CreateSession` that this version knows and refuses, so that nobody believes they are in force. */
export const UNAVAILABLE_CREATE_OPTIONS = ['record'] as const satisfies readonly (keyof CreateSession)[];

/** Body of `PATCH /api/sessions/:id`. */
export const UpdateSession = Type.Object(
  {
    timeoutMs: Type.Optional(TimeoutMs),
    maxLifetimeMs: Type.Optional(orNone(MaxLifetimeMs)),
    maxRequests: Type.Optional(orNone(MaxRequests)),
    memoryLimitMb: Type.Optional(orNone(MemoryLimitMb)),
    metadata: Type.Optional(Metadata),
    ...EGRESS_CHANGES,
  },
  { additionalProperties: false, minProperties: 1 },
);
export type UpdateSession = Static<typeof UpdateSession>;

/** What the browser claims to be, as far as this version decides it. */
export const SessionIdentity = Type.Object({
  userAgent: Type.String(),
  browserVersion: Type.String({ description: 'Version of the Chromium that runs, such as 156.0.8078.79.' }),
  timezone: Type.Union([Type.String(), Type.Null()], { description: "null: the host's." }),
  locale: Type.Union([Type.String(), Type.Null()], { description: "null: the browser's default." }),
  viewport: Viewport,
  fingerprint: Type.Union([Fingerprint, Type.Null()], {
    description: 'All that the browser claims to be; null at the stealth levels that claim nothing.',
  }),
});
export type SessionIdentity = Static<typeof SessionIdentity>;

/** What a session's browser uses, as last measured. */
export const SessionUsage = Type.Object({
  memoryBytes: Type.Integer({ description: "Proportional set size of all the browser's processes." }),
  cpuPercent: Type.Number({ description: 'Of one core, since the sample before.' }),
  cpuMs: Type.Integer({ description: 'Processor time since the browser was started.' }),
  processCount: Type.Integer(),
  pageCount: Type.Integer(),
  sampledAt: Type.String({ format: 'date-time' }),
});
export type SessionUsage = Static<typeof SessionUsage>;

const Moment = Type.String({ format: 'date-time' });
const OptionalMoment = Type.Union([Moment, Type.Null()]);

export const Session = Type.Object({
  id: Uuid,
  state: SessionState,
  closeReason: Type.Union([CloseReason, Type.Null()]),
  nodeId: Type.String(),
  profileId: Type.Union([Uuid, Type.Null()], { description: 'The saved profile it wears.' }),
  persist: Type.Boolean({ description: "Whether the profile's state is saved at the end." }),
  checkpoint: Type.Boolean({ description: 'Whether the session outlives its node.' }),
  headless: Type.Boolean(),
  stealthLevel: StealthLevel,
  identity: Type.Union([SessionIdentity, Type.Null()], { description: 'null until the browser runs.' }),
  cdpPort: Type.Union([Type.Integer(), Type.Null()], { description: 'null while there is no browser.' }),
  cdpUrl: Type.Union([Type.String(), Type.Null()], {
    description: 'For puppeteer.connect and chromium.connectOverCDP. Holds the session token: treat it as a secret.',
  }),
  liveUrl: Type.Union([Type.String(), Type.Null()], { description: 'Live view; not available in this version.' }),
  timeoutMs: Type.Integer(),
  maxLifetimeMs: Type.Union([Type.Integer(), Type.Null()]),
  expiresAt: Type.String({ format: 'date-time', description: 'When it will be closed if nobody uses it.' }),
  maxRequests: Type.Union([Type.Integer(), Type.Null()]),
  memoryLimitMb: Type.Union([Type.Integer(), Type.Null()]),
  recycle: RecycleMode,
  requestCount: Type.Integer({ description: 'REST requests and CDP commands so far.' }),
  clients: Type.Integer({ description: 'Connected over CDP now.' }),
  proxy: Type.Union([SessionProxy, Type.Null()], { description: 'null: it leaves directly.' }),
  traffic: Type.Union([SessionTraffic, Type.Null()], { description: 'null after the end.' }),
  trafficLimitMb: Type.Union([Type.Integer(), Type.Null()]),
  warnings: Type.Array(SessionWarning, {
    description: 'What does not fit together and was not refused, and what of the fingerprint is not applied.',
  }),
  usage: Type.Union([SessionUsage, Type.Null()], { description: 'null until first measured, and after the end.' }),
  metadata: Metadata,
  error: Type.Union([Type.String(), Type.Null()], { description: 'What went wrong, when something did.' }),
  createdAt: Moment,
  startedAt: OptionalMoment,
  lastActivityAt: Moment,
  closedAt: OptionalMoment,
});
export type Session = Static<typeof Session>;

/** Query of `GET /api/sessions`; `metadata.NAME=VALUE` filters by a label. */
export const ListSessionsQuery = Type.Object(
  {
    state: Type.Optional(SessionState),
    profileId: Type.Optional(Uuid),
    nodeId: Type.Optional(Type.String({ minLength: 1, maxLength: 255, pattern: STORABLE_TEXT })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
    cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  },
  {
    additionalProperties: false,
    patternProperties: {
      '^metadata\\.[^\\u0000\\ud800-\\udfff]{1,64}$': { type: 'string', maxLength: 1_024, pattern: STORABLE_TEXT },
    },
  },
);
export type ListSessionsQuery = Static<typeof ListSessionsQuery>;

export const SessionList = Type.Object({
  sessions: Type.Array(Session),
  nextCursor: Type.Union([Type.String(), Type.Null()], { description: 'Pass as `cursor` for the next page.' }),
});
export type SessionList = Static<typeof SessionList>;
