import { type Static, Type } from 'typebox';

/** Why a connection of a session was not made, by its own rules or by those of the operator. */
export const RefusalReason = Type.Enum(
  [
    // Private, loopback, link-local, metadata, multicast, ... and not allowed by the operator, or denied by them.
    'address',
    // A port that browsers may not reach, or one this service listens on itself.
    'port',
    // Not among the session's `allowedDomains`, or among its `blockedDomains`.
    'domain',
    // Asked for by `blockResources`.
    'ads',
    'trackers',
    // The session has used up its `trafficLimitMb`.
    'traffic_limit',
    // The sessions of its key have used up its `maxTrafficBytesPerMonth`.
    'traffic_quota',
  ],
  { description: 'Why a connection was refused.' },
);
export type RefusalReason = Static<typeof RefusalReason>;

/** What a session can be told not to load. */
export const BLOCKABLE_RESOURCES = ['ads', 'trackers', 'images', 'media', 'fonts'] as const;

export const BlockResources = Type.Array(Type.Enum([...BLOCKABLE_RESOURCES]), {
  uniqueItems: true,
  maxItems: BLOCKABLE_RESOURCES.length,
  description:
    'What is not loaded. `ads` and `trackers`: anything from hosts that are listed as serving such. `images`, `media` and `fonts`: ' +
    'what pages embed of that kind.',
});
export type BlockResources = Static<typeof BlockResources>;

/** Why a connection that was allowed did not come about. */
export const EgressFailureReason = Type.Enum(
  [
    // The name has no address.
    'name_not_resolved',
    // The address does not answer, or refuses.
    'unreachable',
    // The upstream proxy does not answer, or refuses the connection.
    'proxy_unreachable',
    // It does not take the credentials, or wants some.
    'proxy_auth',
    // It answers, and does not make the connection.
    'proxy_refused',
  ],
  { description: 'Why a connection failed.' },
);
export type EgressFailureReason = Static<typeof EgressFailureReason>;

/** What a session has moved so far, as its egress counts it: payload of the connections, TLS included. */
export const SessionTraffic = Type.Object({
  receivedBytes: Type.Integer(),
  sentBytes: Type.Integer(),
  connections: Type.Integer({ description: 'Made so far.' }),
  refusals: Type.Integer({ description: 'Connections and requests that were refused.' }),
});
export type SessionTraffic = Static<typeof SessionTraffic>;
