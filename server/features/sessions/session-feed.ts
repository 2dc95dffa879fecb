import type { SessionEvent } from '@guise/contract';

import { raceAbort } from '../../lib/deadline.ts';
import type { TypedEmitter } from '../../lib/typed-emitter.ts';
import type { SessionEventRepository } from './session-event-repository.ts';
import type { SessionEvents } from './session-events.ts';
import { toSessionId } from './session-operations.ts';
import type { SessionService } from './session-service.ts';
import { isTerminal } from './session-state.ts';

const PAGE_SIZE = 100;
/** How often a quiet feed is looked at, and gives an empty page: other nodes write events too. */
const QUIET_MS = 15_000;
/** How soon it is looked at again when events are there that cannot be read yet. */
const FIRST_RETRY_MS = 5;
const LONGEST_RETRY_MS = 1_000;

interface SessionFeedDeps {
  readonly service: Pick<SessionService, 'get' | 'listEvents'>;
  readonly repository: SessionEventRepository;
  readonly events: TypedEmitter<SessionEvents>;
}

/** Events from some event on. */
export interface OpenFeed {
  /** The session they are of; undefined for all. */
  readonly sessionId: string | undefined;
  /** The event they come after. */
  readonly lastEventId: number;
  /**
   * The events, past ones first, a page at a time and as fast as the reader asks for them; an empty page every 15 s in which
   * nothing has happened. Ends with the CLOSED of its session, and not at all for all sessions. Rejects when `signal` is aborted.
   */
  pages(signal: AbortSignal): AsyncGenerator<readonly SessionEvent[]>;
}

/** Which events are wanted. */
export interface FeedWish {
  /** Of this session; absent: of all. */
  readonly sessionId?: string | undefined;
  /** After this event; absent: from now on. */
  readonly after?: number | undefined;
  /** Of all sessions only those of this owner; absent: of anybody's. */
  readonly scope?: string | undefined;
}

/** What is read of a feed at once. */
interface Reading {
  readonly events: readonly SessionEvent[];
  readonly isHeldBack: boolean;
  /** Whether there may be more to read at once. */
  readonly isFull: boolean;
  readonly isEnd: boolean;
}

/**
 * What happens to sessions, for those who follow it.
 *
 * News only says that there is something to read: what is given out comes from the database. So nothing is kept for a slow
 * reader, and whoever comes back with the id of the last event they were given misses nothing.
 */
export class SessionFeed {
  readonly #deps: SessionFeedDeps;

  constructor(deps: SessionFeedDeps) {
    this.#deps = deps;
  }

  /** Opens the feed of one session, or of all; after the event `after`, or now. @throws {AppError} SESSION_NOT_FOUND */
  async open({ sessionId, after, scope }: FeedWish): Promise<OpenFeed> {
    return sessionId === undefined ? this.#openAll(after, scope) : this.#openOne(toSessionId({ sessionId }), after);
  }

  async #openOne(sessionId: string, after: number | undefined): Promise<OpenFeed> {
    const { service, repository } = this.#deps;
    const { state } = await service.get(sessionId);
    const lastEventId = after ?? (await repository.findLastId(sessionId));
    let last = lastEventId;
    // Events of one session are written under the lock of its row: their ids are in the order in which they appear.
    const read = async (): Promise<Reading> => {
      const events = await service.listEvents(sessionId, { after: last, limit: PAGE_SIZE });
      last = events.at(-1)?.id ?? last;
      const isClosed = events.at(-1)?.toState === 'CLOSED' || (isTerminal(state) && events.length < PAGE_SIZE);
      return { events, isHeldBack: false, isFull: events.length === PAGE_SIZE, isEnd: isClosed };
    };
    const concerns = (each: string): boolean => each === sessionId;
    return { sessionId, lastEventId, pages: (signal) => this.#follow(read, concerns, signal) };
  }

  async #openAll(after: number | undefined, scope: string | undefined): Promise<OpenFeed> {
    const { repository } = this.#deps;
    let position = after === undefined ? await repository.findEnd() : await repository.findPosition(after);
    const lastEventId = after ?? position.id;
    const read = async (): Promise<Reading> => {
      const { position: next, ...page } = await repository.readAfter(position, { limit: PAGE_SIZE, scope });
      position = next;
      return { ...page, isEnd: false };
    };
    return { sessionId: undefined, lastEventId, pages: (signal) => this.#follow(read, () => true, signal) };
  }

  async *#follow(
    read: () => Promise<Reading>,
    concerns: (sessionId: string) => boolean,
    signal: AbortSignal,
  ): AsyncGenerator<readonly SessionEvent[]> {
    let news = Promise.withResolvers<void>();
    let retryMs = FIRST_RETRY_MS;
    using stack = new DisposableStack();
    stack.defer(this.#deps.events.on('eventRecorded', ({ sessionId }) => concerns(sessionId) && news.resolve()));
    for (;;) {
      // Before the look at the database, so that what is recorded during it is news for the next one.
      news = Promise.withResolvers();
      const { events, isHeldBack, isFull, isEnd } = await raceAbort(read(), signal);
      // An empty page says that nothing has happened for long, which is not so here.
      if (events.length > 0 || !isFull) yield events;
      if (isEnd) return;
      if (isFull) continue;
      retryMs = isHeldBack && events.length === 0 ? Math.min(retryMs * 2, LONGEST_RETRY_MS) : FIRST_RETRY_MS;
      const timer = setTimeout(() => news.resolve(), isHeldBack ? retryMs : QUIET_MS);
      try {
        await raceAbort(news.promise, signal);
      } finally {
        clearTimeout(timer);
      }
    }
  }
}
