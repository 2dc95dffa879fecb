import { type Static, Type } from 'typebox';

import { CookieList, SetCookies } from './cookie.ts';
import { Input, InputResult } from './input.ts';
import { Execute, ExecuteResult, Navigate, NavigateResult, PageContent, Pdf, Screenshot } from './page.ts';
import { Problem } from './problem.ts';
import {
  CreateSession,
  ListSessionsQuery,
  Metadata,
  Session,
  SessionList,
  SessionUsage,
  UpdateSession,
} from './session.ts';
import { ListEventsQuery, SessionEvent, SessionEventList } from './session-lifecycle.ts';

const strict = { additionalProperties: false } as const;

const sessionId = Type.String({ description: 'The `id` of the session.' });
const subscriptionId = Type.String({ description: 'The answer of `subscribe`.' });
const EventId = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

/** Params of a method that takes nothing but a session. */
const SessionOnly = Type.Object({ sessionId }, strict);

/** Params of `session.list`: those of the REST route, the labels as an object. */
const ListParams = Type.Object(
  { ...ListSessionsQuery.properties, metadata: Type.Optional(Metadata) },
  { ...strict, description: '`metadata` filters by labels.' },
);

/** Bytes, which JSON has no other way to carry. */
export const EncodedFile = Type.Object({
  mediaType: Type.String({ description: 'Such as image/png.' }),
  data: Type.String({ contentEncoding: 'base64', description: 'The bytes in base64.' }),
});
export type EncodedFile = Static<typeof EncodedFile>;

const TOPICS = ['events', 'metrics'] as const;
const RealtimeTopic = Type.Enum(TOPICS);

const Subscribe = Type.Object(
  {
    topics: Type.Array(RealtimeTopic, { minItems: 1, maxItems: TOPICS.length, uniqueItems: true }),
    sessionId: Type.Optional(Type.String({ description: 'Only this session; without it, all.' })),
    after: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: Number.MAX_SAFE_INTEGER,
        description: 'Id of the last event seen: all later ones are sent, past ones first. Without it, only new ones.',
      }),
    ),
  },
  strict,
);
const Subscribed = Type.Object({
  subscriptionId,
  lastEventId: Type.Union([EventId, Type.Null()], {
    description: 'The event after which the subscription begins; null without the topic `events`.',
  }),
});

const RequestId = Type.Union([Type.String(), Type.Number()]);

/** What a method of the real-time interface takes and gives. */
interface RealtimeMethod {
  readonly summary: string;
  readonly params: object;
  readonly result: object;
}

/**
 * Every method of `ws://HOST/api/ws`, for validation, for the types of its handler and for the AsyncAPI document.
 *
 * Those of sessions take the body of their REST route and the session, and give what that route answers.
 */
export const REALTIME_METHODS = {
  'session.create': { summary: 'Start a browser session', params: CreateSession, result: Session },
  'session.get': { summary: 'Read one session, live or ended', params: SessionOnly, result: Session },
  'session.list': { summary: 'List sessions, newest first', params: ListParams, result: SessionList },
  'session.update': {
    summary: 'Change time-outs or metadata of a live session',
    params: Type.Object({ sessionId, ...UpdateSession.properties }, { ...strict, minProperties: 2 }),
    result: Session,
  },
  'session.end': {
    summary: 'End a session; answers when its processes are gone',
    params: SessionOnly,
    result: Session,
  },
  'session.keepAlive': { summary: 'Count as use of the session', params: SessionOnly, result: Session },
  'session.execute': {
    summary: 'Run JavaScript in the page',
    params: Type.Object({ sessionId, ...Execute.properties }, strict),
    result: ExecuteResult,
  },
  'session.navigate': {
    summary: 'Load an address and wait for it',
    params: Type.Object({ sessionId, ...Navigate.properties }, strict),
    result: NavigateResult,
  },
  'session.screenshot': {
    summary: 'Take a picture of the page',
    params: Type.Object({ sessionId, ...Screenshot.properties }, strict),
    result: EncodedFile,
  },
  'session.pdf': {
    summary: 'Print the page',
    params: Type.Object({ sessionId, ...Pdf.properties }, strict),
    result: EncodedFile,
  },
  'session.input': {
    summary: 'Use mouse, keyboard and touch screen',
    params: Type.Object({ sessionId, ...Input.properties }, strict),
    result: InputResult,
  },
  'session.content': { summary: 'The document as it is now', params: SessionOnly, result: PageContent },
  'session.getCookies': { summary: 'All cookies of the session', params: SessionOnly, result: CookieList },
  'session.setCookies': {
    summary: 'Replace all cookies of the session',
    params: Type.Object({ sessionId, ...SetCookies.properties }, strict),
    result: CookieList,
  },
  'session.events': {
    summary: "A page of the session's history, oldest first",
    params: Type.Object({ sessionId, ...ListEventsQuery.properties }, strict),
    result: SessionEventList,
  },
  subscribe: {
    summary: 'Be sent what happens to one session or to all',
    params: Subscribe,
    result: Subscribed,
  },
  unsubscribe: {
    summary: 'End a subscription',
    params: Type.Object({ subscriptionId }, strict),
    result: Type.Object({ wasSubscribed: Type.Boolean({ description: 'false: there was no such subscription.' }) }),
  },
  cancel: {
    summary: 'Break off a request of this connection that has not been answered; it is answered with an error',
    params: Type.Object({ requestId: RequestId }, strict),
    result: Type.Object({ wasUnderWay: Type.Boolean({ description: 'false: no such request was under way.' }) }),
  },
} as const satisfies Record<string, RealtimeMethod>;

export type RealtimeMethodName = keyof typeof REALTIME_METHODS;
export type RealtimeParams<Name extends RealtimeMethodName> = Static<(typeof REALTIME_METHODS)[Name]['params']>;
export type RealtimeResult<Name extends RealtimeMethodName> = Static<(typeof REALTIME_METHODS)[Name]['result']>;

/** The `error` member of an answer (JSON-RPC 2.0, section 5.1). */
export const RpcError = Type.Object({
  code: Type.Integer({
    description: '-32700, -32600, -32601, -32602 and -32603 as JSON-RPC 2.0 has them; -32000 for all other failures.',
  }),
  message: Type.String(),
  data: Problem,
});

/** What the service sends by itself, as JSON-RPC notifications. */
export const REALTIME_NOTIFICATIONS = {
  event: {
    summary: 'Something happened to a session',
    params: Type.Object({ subscriptionId, event: SessionEvent }),
  },
  metrics: {
    summary: 'What a session uses was sampled',
    params: Type.Object({ subscriptionId, sessionId, usage: SessionUsage }),
  },
  missed: {
    summary: 'The connection was too slow for some notifications, which were left out',
    params: Type.Object({ subscriptionId, topic: RealtimeTopic, count: Type.Integer({ minimum: 1 }) }),
  },
  ended: {
    summary: 'A subscription ended: its session is closed, or it failed and can be made again with the last event id',
    params: Type.Object({
      subscriptionId,
      problem: Type.Union([Problem, Type.Null()], { description: 'null: its session is closed.' }),
    }),
  },
} as const;

export type RealtimeNotificationName = keyof typeof REALTIME_NOTIFICATIONS;
export type RealtimeNotificationParams<Name extends RealtimeNotificationName> = Static<
  (typeof REALTIME_NOTIFICATIONS)[Name]['params']
>;
