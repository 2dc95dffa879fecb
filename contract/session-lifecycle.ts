import { type Static, Type } from 'typebox';

/** Every state of a session; see `session-state.ts` in the server for the moves between them. */
export const SESSION_STATES = ['INITIALIZING', 'ACTIVE', 'IDLE', 'UNHEALTHY', 'CLOSING', 'CLOSED'] as const;
export const SessionState = Type.Enum(SESSION_STATES);
export type SessionState = Static<typeof SessionState>;

/** Why a session ended. */
export const CLOSE_REASONS = [
  'requested',
  'idle_timeout',
  'max_lifetime',
  'max_requests',
  'memory_limit',
  'unhealthy',
  'browser_crashed',
  'client_disconnected',
  'node_drained',
  'node_lost',
  'shutdown',
  'start_failed',
] as const;
export const CloseReason = Type.Enum(CLOSE_REASONS);
export type CloseReason = Static<typeof CloseReason>;

/** What happens to a session that has reached its limit of requests or memory. */
export const RECYCLE_MODES = ['close', 'restart'] as const;
export const RecycleMode = Type.Enum(RECYCLE_MODES);
export type RecycleMode = Static<typeof RecycleMode>;

/** How much of an identity is applied. */
export const STEALTH_LEVELS = ['none', 'basic', 'advanced', 'maximum'] as const;
export const StealthLevel = Type.Enum(STEALTH_LEVELS);
export type StealthLevel = Static<typeof StealthLevel>;

/** What is recorded about a session's life, oldest first. Names are facts in the past. */
const SESSION_EVENT_TYPES = [
  'created',
  'stateChanged',
  'updated',
  'limitApproached',
  'browserRestarted',
  'adopted',
  'handedOver',
  'restored',
  'checkpointNotSaved',
  'drainStarted',
  'commandRefused',
  'emulationIgnored',
  'egressRefused',
  'proxyFailed',
  'pageHung',
  'pageRecovered',
  'profileSaved',
  'profileNotSaved',
] as const;
export const SessionEventType = Type.Enum(SESSION_EVENT_TYPES);
export type SessionEventType = Static<typeof SessionEventType>;

export const SessionEvent = Type.Object({
  id: Type.Integer(),
  sessionId: Type.String(),
  type: SessionEventType,
  fromState: Type.Union([SessionState, Type.Null()]),
  toState: Type.Union([SessionState, Type.Null()]),
  reason: Type.Union([Type.String(), Type.Null()], { description: 'Why it happened.' }),
  data: Type.Record(Type.String(), Type.Unknown(), {
    description:
      'Details. `limitApproached`: limit, value, max. `browserRestarted`: limit, pages. `drainStarted`: endsAt. ' +
      '`commandRefused`: method, why. `emulationIgnored`: method. ' +
      '`egressRefused` and `proxyFailed`: host, port, reason, why. `pageHung` and `pageRecovered`: targetId. ' +
      '`profileSaved`: version, sizeBytes, durationMs.',
  }),
  createdAt: Type.String({ format: 'date-time' }),
});
export type SessionEvent = Static<typeof SessionEvent>;

/** Query of `GET /api/sessions/:id/events`. */
export const ListEventsQuery = Type.Object(
  {
    after: Type.Optional(
      Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'Id of an event.' }),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, default: 1_000 })),
  },
  { additionalProperties: false },
);
export type ListEventsQuery = Static<typeof ListEventsQuery>;

export const SessionEventList = Type.Object({ events: Type.Array(SessionEvent) });
export type SessionEventList = Static<typeof SessionEventList>;
