import { type Static, Type } from 'typebox';

import { STORABLE_TEXT } from './storable-text.ts';
import { Uuid } from './uuid.ts';

const strict = { additionalProperties: false } as const;

/** What a key may do, from least to most: each may do all that those before it may. */
export const KEY_ROLES = ['viewer', 'user', 'operator', 'admin'] as const;

/** See `KEY_ROLES`. */
export const KeyRole = Type.Enum(KEY_ROLES, {
  description:
    'viewer: reads what belongs to its tenant; user: does everything with it; operator: with what belongs to anybody; admin: keys and the audit trail too.',
});
export type KeyRole = Static<typeof KeyRole>;

/** Lengths of secrets. Those of API_KEYS are chosen by people. */
export const MIN_SECRET_LENGTH = 24;

const MAX_COUNT = 1_000_000;
const Moment = Type.String({ format: 'date-time' });
const orNull = <Schema extends Parameters<typeof Type.Union>[0][number]>(schema: Schema) =>
  Type.Union([schema, Type.Null()]);
const Name = Type.String({ minLength: 1, maxLength: 200, pattern: STORABLE_TEXT });
const Priority = Type.Integer({
  minimum: -10,
  maximum: 10,
  description: 'In line for a place; each step counts as having come ten seconds earlier.',
});
const quota = (minimum: number, maximum: number, description: string) =>
  Type.Union([Type.Integer({ minimum, maximum }), Type.Null()], { description });

/** How much a key may use; null: no limit of its own. */
export const KeyQuotas = Type.Object(
  {
    maxSessions: quota(0, MAX_COUNT, 'Sessions of its tenant alive at once, on all nodes.'),
    maxCreatesPerMinute: quota(1, MAX_COUNT, 'Sessions it may ask for in a minute.'),
    maxRequestsPerMinute: quota(1, 100 * MAX_COUNT, 'Requests it may make in a minute.'),
    maxTrafficBytesPerMonth: quota(
      0,
      Number.MAX_SAFE_INTEGER,
      'Bytes the sessions of its tenant may move in a calendar month (UTC); over it, no session is created and those that run are cut off within seconds.',
    ),
  },
  strict,
);
export type KeyQuotas = Static<typeof KeyQuotas>;

/** An API key as the API shows it: never its secret. */
export const ApiKey = Type.Object({
  id: Uuid,
  name: Type.String(),
  role: KeyRole,
  origin: Type.Enum(['api', 'environment'], { description: 'environment: of the setting API_KEYS.' }),
  hint: Type.String({ description: 'The first characters of its secret.' }),
  tenantId: Type.String({
    format: 'uuid',
    description: 'The key whose things it sees and makes: itself, unless it was made for another.',
  }),
  quotas: KeyQuotas,
  priority: Priority,
  isValid: Type.Boolean({ description: 'Neither revoked nor expired.' }),
  createdByKeyId: orNull(Uuid),
  lastUsedAt: orNull(Moment),
  expiresAt: orNull(Moment),
  revokedAt: orNull(Moment),
  createdAt: Moment,
  updatedAt: Moment,
});
export type ApiKey = Static<typeof ApiKey>;

/** What the tenant of a key uses now. */
export const KeyUsage = Type.Object({
  sessions: Type.Integer({ description: 'Alive now, on all nodes.' }),
  trafficBytesThisMonth: Type.Integer({ description: 'Of the last seconds some may be missing.' }),
});

/** Answer of `GET /api/keys/:id`. */
export const ApiKeyDetails = Type.Object({ ...ApiKey.properties, usage: KeyUsage });
export type ApiKeyDetails = Static<typeof ApiKeyDetails>;

/** Answer of `POST /api/keys`: the only time that the secret is shown. */
export const CreatedApiKey = Type.Object({
  ...ApiKey.properties,
  secret: Type.String({ description: 'Shown now and never again: send it as Authorization: Bearer SECRET.' }),
});
export type CreatedApiKey = Static<typeof CreatedApiKey>;

/** Body of `POST /api/keys`. */
export const CreateApiKey = Type.Object(
  {
    name: Name,
    role: KeyRole,
    expiresAt: Type.Optional(orNull(Moment)),
    quotas: Type.Optional(Type.Partial(KeyQuotas, strict)),
    priority: Type.Optional(Priority),
    forKeyId: Type.Optional(
      Type.String({ format: 'uuid', description: 'A key whose things this one sees and makes too.' }),
    ),
  },
  strict,
);
export type CreateApiKey = Static<typeof CreateApiKey>;

/** Body of `PATCH /api/keys/:id`. */
export const UpdateApiKey = Type.Object(
  {
    name: Type.Optional(Name),
    expiresAt: Type.Optional(orNull(Moment)),
    quotas: Type.Optional(Type.Partial(KeyQuotas, strict)),
    priority: Type.Optional(Priority),
  },
  { ...strict, minProperties: 1 },
);
export type UpdateApiKey = Static<typeof UpdateApiKey>;

/** Query of `GET /api/keys`. */
export const ListApiKeysQuery = Type.Object(
  {
    role: Type.Optional(KeyRole),
    isValid: Type.Optional(Type.Boolean()),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
    cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  },
  strict,
);
export type ListApiKeysQuery = Static<typeof ListApiKeysQuery>;

export const ApiKeyList = Type.Object({
  keys: Type.Array(ApiKey),
  nextCursor: Type.Union([Type.String(), Type.Null()], { description: 'Pass as `cursor` for the next page.' }),
});
export type ApiKeyList = Static<typeof ApiKeyList>;
