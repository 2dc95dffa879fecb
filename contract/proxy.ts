import { type Static, Type } from 'typebox';

import { EgressFailureReason } from './egress.ts';
import { STORABLE_TEXT } from './storable-text.ts';
import { Uuid } from './uuid.ts';

const strict = { additionalProperties: false } as const;

/** `socks5`: names are resolved by this node; `socks5h`: by the proxy. */
export const ProxyProtocol = Type.Enum(['http', 'https', 'socks5', 'socks5h'], {
  description: 'socks5: names are resolved by this node; socks5h: by the proxy.',
});
export type ProxyProtocol = Static<typeof ProxyProtocol>;

/** Why a check found no exit. */
export const CheckFailureReason = Type.Enum(
  [
    ...EgressFailureReason.enum,
    // The rules of the operator do not let this node connect to the proxy or the echo server.
    'not_allowed',
    // The whole check took too long.
    'timed_out',
    // The echo server was reached, and what it said is no address.
    'echo_failed',
    // The address was found, and no country is known for it.
    'place_unknown',
  ],
  { description: 'Why the check failed.' },
);
export type CheckFailureReason = Static<typeof CheckFailureReason>;

const Moment = Type.String({ format: 'date-time' });
const orNull = <Schema extends Parameters<typeof Type.Union>[0][number]>(schema: Schema) =>
  Type.Union([schema, Type.Null()]);
const Text = (maxLength: number) => Type.String({ minLength: 1, maxLength, pattern: STORABLE_TEXT });
const Tag = Text(64);
const Country = Type.String({ pattern: '^[A-Z]{2}$', description: 'ISO 3166-1 alpha-2, such as GB.' });
const Latitude = Type.Number({ minimum: -90, maximum: 90 });
const Longitude = Type.Number({ minimum: -180, maximum: 180 });
/** Credentials as SOCKS5 takes them: 255 bytes each. */
const Credential = Type.String({
  minLength: 1,
  maxLength: 255,
  pattern: '^[^\\u0000-\\u001f\\u007f\\ud800-\\udfff]*$',
});
const Timezone = Type.String({ minLength: 1, maxLength: 64, pattern: '^[A-Za-z0-9_+/-]+$' });
const Locale = Type.String({ minLength: 2, maxLength: 35, pattern: '^[A-Za-z0-9-]+$' });

/** Where connections through a proxy come out, as the rest of the world sees it. */
export const ProxyExit = Type.Object({
  address: Type.String({ description: 'IPv4 or IPv6.' }),
  country: orNull(Country),
  timezone: orNull(Type.String()),
  isTimezoneCertain: Type.Boolean({
    description: 'false: the country has several clocks, and this is the one most of its people live by.',
  }),
  locale: orNull(Type.String()),
  latitude: orNull(Type.Number()),
  longitude: orNull(Type.Number()),
});
export type ProxyExit = Static<typeof ProxyExit>;

/** How the last check went. */
export const ProxyCheck = Type.Object({
  checkedAt: Moment,
  isOk: Type.Boolean(),
  reason: orNull(CheckFailureReason),
  connectMs: orNull(Type.Integer({ description: 'Until there was a connection through the proxy.' })),
  latencyMs: orNull(Type.Integer({ description: 'Until the whole answer of the echo server was there.' })),
});
export type ProxyCheck = Static<typeof ProxyCheck>;

/** An upstream proxy, as lists show it: without any credential. */
export const ProxySummary = Type.Object({
  id: Uuid,
  name: Type.String(),
  protocol: ProxyProtocol,
  host: Type.String(),
  port: Type.Integer(),
  hasPassword: Type.Boolean(),
  hasRotationUrl: Type.Boolean(),
  country: orNull(Country),
  city: orNull(Type.String()),
  timezone: orNull(Type.String()),
  locale: orNull(Type.String()),
  latitude: orNull(Type.Number()),
  longitude: orNull(Type.Number()),
  rotationGroup: orNull(Type.String()),
  tags: Type.Array(Type.String()),
  notes: Type.String(),
  isActive: Type.Boolean({ description: 'false: kept, but no session is given it.' }),
  exit: Type.Union([ProxyExit, Type.Null()], { description: 'As the last check that succeeded found it.' }),
  lastCheck: orNull(ProxyCheck),
  failedChecksInARow: Type.Integer(),
  lastUsedAt: orNull(Moment),
  createdAt: Moment,
  updatedAt: Moment,
});
export type ProxySummary = Static<typeof ProxySummary>;

/** An upstream proxy. Its password is never shown. */
export const Proxy = Type.Object({ ...ProxySummary.properties, username: orNull(Type.String()) });
export type Proxy = Static<typeof Proxy>;

const Labels = {
  country: Type.Optional(
    Type.Union([Country, Type.Null()], { description: 'Of the exit; goes before what a check finds.' }),
  ),
  city: Type.Optional(orNull(Text(200))),
  timezone: Type.Optional(orNull(Timezone)),
  locale: Type.Optional(orNull(Locale)),
  latitude: Type.Optional(orNull(Latitude)),
  longitude: Type.Optional(orNull(Longitude)),
  rotationGroup: Type.Optional(orNull(Text(200))),
  rotationUrl: Type.Optional(
    Type.Union(
      [Type.String({ maxLength: 2_048, pattern: '^https?://[^\\s\\u0000-\\u001f\\ud800-\\udfff]+$' }), Type.Null()],
      {
        description: 'Address that makes the provider change the exit. Never shown.',
      },
    ),
  ),
  tags: Type.Optional(Type.Array(Tag, { maxItems: 64, uniqueItems: true })),
  notes: Type.Optional(Type.String({ maxLength: 20_000, pattern: STORABLE_TEXT })),
  isActive: Type.Optional(Type.Boolean()),
};

const Address = {
  url: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 2_048,
      description:
        'Such as socks5h://user:password@proxy.example:1080, in place of the parts; credentials percent-encoded.',
    }),
  ),
  protocol: Type.Optional(ProxyProtocol),
  host: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
  port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535 })),
};

/** Body of `POST /api/proxies`: either `url`, or `protocol`, `host` and what else there is. */
export const CreateProxy = Type.Object(
  {
    name: Type.Optional(Text(200)),
    ...Address,
    username: Type.Optional(Credential),
    password: Type.Optional(Credential),
    ...Labels,
  },
  { ...strict, description: 'A proxy to keep: its `url`, or its parts. Without `name` it is called by host and port.' },
);
export type CreateProxy = Static<typeof CreateProxy>;

/** Body of `PATCH /api/proxies/:id`. */
export const UpdateProxy = Type.Object(
  {
    name: Type.Optional(Text(200)),
    ...Address,
    username: Type.Optional(orNull(Credential)),
    password: Type.Optional(orNull(Credential)),
    ...Labels,
  },
  { ...strict, minProperties: 1, description: '`url` replaces the address and the credentials.' },
);
export type UpdateProxy = Static<typeof UpdateProxy>;

/** Query of `GET /api/proxies`. */
export const ListProxiesQuery = Type.Object(
  {
    tag: Type.Optional(Tag),
    rotationGroup: Type.Optional(Text(200)),
    country: Type.Optional(Country),
    isActive: Type.Optional(Type.Boolean()),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
    cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  },
  strict,
);
export type ListProxiesQuery = Static<typeof ListProxiesQuery>;

export const ProxyList = Type.Object({
  proxies: Type.Array(ProxySummary),
  nextCursor: Type.Union([Type.String(), Type.Null()], { description: 'Pass as `cursor` for the next page.' }),
});
export type ProxyList = Static<typeof ProxyList>;

/** Proxies that take turns, and whether they do their work. */
export const ProxyGroup = Type.Object({
  rotationGroup: Type.String(),
  members: Type.Array(
    Type.Object({
      id: Uuid,
      name: Type.String(),
      isActive: Type.Boolean(),
      health: Type.Enum(['healthy', 'failing', 'avoided', 'unknown'], {
        description:
          'failing: its last check or connections failed; avoided: this node gives it nothing for now; unknown: never tried.',
      }),
      failedChecksInARow: Type.Integer(),
      avoidedUntil: Type.Union([Moment, Type.Null()], { description: 'By this node; then it is given a trial.' }),
      lastUsedAt: orNull(Moment),
    }),
  ),
});
export type ProxyGroup = Static<typeof ProxyGroup>;

export const ProxyGroupList = Type.Object({ groups: Type.Array(ProxyGroup) });
export type ProxyGroupList = Static<typeof ProxyGroupList>;
