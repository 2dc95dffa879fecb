import type {
  CreateSession,
  ListEventsQuery,
  ListSessionsQuery,
  Metadata,
  Session,
  SessionEventList,
  SessionList,
  UpdateSession,
} from '@guise/contract';

import { type Actor, scopeOf } from '../../lib/actor.ts';
import { invalidField } from '../../lib/app-error.ts';
import { isSessionId, toSessionId } from './session-operations.ts';
import type { SessionRecord } from './session-record.ts';
import type { SessionService } from './session-service.ts';
import type { SessionView } from './session-view.ts';

const MAX_EVENTS = 1_000;
const DEFAULT_PAGE_SIZE = 50;

/** Who asks; `origin` is where they reach this service over WebSocket, such as `ws://127.0.0.1:3000`. */
interface Caller {
  readonly origin: string;
  readonly actor: Actor;
}

/** Somebody who may go away before the answer is there. */
interface PassingCaller extends Caller {
  readonly signal: AbortSignal;
  /** The id a session to be created has its place under, where another node has got it one here. */
  readonly sessionId?: string | undefined;
}

type SessionQuery = Pick<ListSessionsQuery, 'state' | 'nodeId' | 'profileId' | 'limit' | 'cursor'> & {
  readonly metadata?: Metadata | undefined;
};

interface SessionChoice {
  readonly sessionId: string;
}

/**
 * What a client can ask of sessions, the same over REST and in real time.
 *
 * All reject with {AppError} as the use cases of `SessionService` do, and SESSION_NOT_FOUND for what is no id.
 */
export interface SessionCommands {
  create(options: CreateSession, caller: PassingCaller): Promise<Session>;
  /** @throws {AppError} VALIDATION_FAILED for a cursor that is none */
  list(query: SessionQuery, caller: Caller): Promise<SessionList>;
  get(wish: SessionChoice, caller: Caller): Promise<Session>;
  update(wish: UpdateSession & SessionChoice, caller: Caller): Promise<Session>;
  end(wish: SessionChoice, caller: Caller): Promise<Session>;
  keepAlive(wish: SessionChoice, caller: Caller): Promise<Session>;
  listEvents(query: ListEventsQuery & SessionChoice): Promise<SessionEventList>;
}

function toCursor(cursor: string | undefined): string | undefined {
  if (cursor === undefined || isSessionId(cursor)) return cursor;
  throw invalidField('/cursor', 'is not one this service has given out');
}

/** See `SessionCommands`. */
export function sessionCommands({
  service,
  view,
}: {
  readonly service: SessionService;
  readonly view: SessionView;
}): SessionCommands {
  const show = (record: SessionRecord, caller: Caller): Session =>
    view.toSession(record, service.findLive(record.id), {
      origin: caller.origin,
      mayDrive: caller.actor.role !== 'viewer',
    });

  return {
    async create(options, caller) {
      return show(await service.create(options, caller), caller);
    },
    async list({ limit = DEFAULT_PAGE_SIZE, cursor, state, nodeId, profileId, metadata }, caller) {
      const ownerKeyId = scopeOf(caller.actor);
      const filter = { state, nodeId, profileId, metadata, ownerKeyId, after: toCursor(cursor) };
      // One more than asked for tells whether there is a next page.
      const records = await service.list({ ...filter, limit: limit + 1 });
      const page = records.slice(0, limit);
      const nextCursor = records.length > limit ? (page.at(-1)?.id ?? null) : null;
      return { sessions: page.map((record) => show(record, caller)), nextCursor };
    },
    async get(wish, caller) {
      return show(await service.get(toSessionId(wish)), caller);
    },
    async update({ sessionId, ...changes }, caller) {
      return show(await service.update(toSessionId({ sessionId }), changes, scopeOf(caller.actor)), caller);
    },
    async end(wish, caller) {
      return show(await service.end(toSessionId(wish), 'requested'), caller);
    },
    async keepAlive(wish, caller) {
      return show(await service.keepAlive(toSessionId(wish)), caller);
    },
    async listEvents({ sessionId, after = 0, limit = MAX_EVENTS }) {
      return { events: await service.listEvents(toSessionId({ sessionId }), { after, limit }) };
    },
  };
}
