import { type Static, type TSchema, type TUnion, Type } from 'typebox';

import { BlockResources } from './egress.ts';
import { Uuid } from './uuid.ts';

/** How a session takes turns among the proxies of a rotation group. */
export const ProxyRotation = Type.Object(
  {
    group: Type.String({ minLength: 1, maxLength: 200, description: 'Rotation group of stored proxies.' }),
    per: Type.Optional(
      Type.Enum(['session', 'request', 'interval'], {
        description: 'session: one proxy as long as it works. request: another for each connection. Default: session.',
      }),
    ),
    intervalMs: Type.Optional(
      Type.Integer({ minimum: 1_000, maximum: 86_400_000, description: 'For `interval`. Default: 600,000.' }),
    ),
  },
  { additionalProperties: false },
);
export type ProxyRotation = Static<typeof ProxyRotation>;

const Domain = Type.String({
  minLength: 1,
  maxLength: 253,
  pattern: '^[^\\s/\\\\@?#\\u0000-\\u001f\\ud800-\\udfff]+$',
});

const Proxy = Type.String({
  minLength: 1,
  maxLength: 2_048,
  pattern: '^[^\\u0000-\\u0020\\ud800-\\udfff]+$',
  description: 'Upstream proxy, such as socks5h://user:secret@proxy.example:1080. Also http, https and socks5.',
});
const AllowedDomains = Type.Array(Domain, {
  maxItems: 1_000,
  description: 'Only these hosts and what is below them; *.example.com is only what is below. Default: all.',
});
const BlockedDomains = Type.Array(Domain, { maxItems: 1_000, description: 'As allowedDomains, to be refused.' });
const TrafficLimitMb = Type.Integer({
  minimum: 1,
  maximum: 1_000_000_000,
  description:
    'Megabytes (2^20 bytes) the session may receive and send; then its connections end and no more are made.',
});

const orNone = <Schema extends TSchema>(
  schema: Schema,
  meaning: string,
): TUnion<[Schema, ReturnType<typeof Type.Null>]> =>
  Type.Union([schema, Type.Null()], { description: `null: ${meaning}` });

/** What a create request may say of a session's way out. */
export const EGRESS_OPTIONS = {
  proxy: Type.Optional(Proxy),
  proxyId: Type.Optional({ ...Uuid, description: 'A stored proxy.' }),
  proxyRotation: Type.Optional(ProxyRotation),
  allowedDomains: Type.Optional(AllowedDomains),
  blockedDomains: Type.Optional(BlockedDomains),
  blockResources: Type.Optional(BlockResources),
  trafficLimitMb: Type.Optional(orNone(TrafficLimitMb, 'no limit.')),
};

/** What may be said of it while the session lives: of the proxies one, or none, and then it leaves directly. */
export const EGRESS_CHANGES = {
  proxy: Type.Optional(orNone(Proxy, 'none.')),
  proxyId: Type.Optional(orNone(Uuid, 'none.')),
  proxyRotation: Type.Optional(orNone(ProxyRotation, 'none.')),
  allowedDomains: Type.Optional(orNone(AllowedDomains, 'all.')),
  blockedDomains: Type.Optional(BlockedDomains),
  blockResources: Type.Optional(BlockResources),
  trafficLimitMb: Type.Optional(orNone(TrafficLimitMb, 'no limit.')),
};

/** The upstream proxy of a session, without its credentials. */
export const SessionProxy = Type.Object({
  id: Type.Union([Uuid, Type.Null()], { description: 'The stored proxy it is.' }),
  url: Type.Union([Type.String(), Type.Null()], { description: 'Without credentials; null for a rotation group.' }),
  group: Type.Union([Type.String(), Type.Null()], { description: 'The rotation group it takes turns in.' }),
});
export type SessionProxy = Static<typeof SessionProxy>;

/** Something of a session that a site may notice, or that is not in force though it was asked for. */
export const SessionWarning = Type.Object({
  path: Type.String({ description: 'JSON Pointer to the option or the part of the fingerprint.' }),
  message: Type.String(),
});
export type SessionWarning = Static<typeof SessionWarning>;
