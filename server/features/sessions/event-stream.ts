import { once as onceEvent } from 'node:events';
import type { Writable } from 'node:stream';

import type { SessionEvent } from '@guise/contract';

import { raceAbort } from '../../lib/deadline.ts';
import type { TypedEmitter } from '../../lib/typed-emitter.ts';
import type { SessionEvents } from './session-events.ts';
import type { SessionService } from './session-service.ts';

const PAGE_SIZE = 100;
/** Keeps proxies from taking a quiet stream for a dead one. */
const HEARTBEAT_MS = 15_000;

interface EventStreamOptions {
  readonly service: Pick<SessionService, 'listEvents'>;
  readonly events: TypedEmitter<SessionEvents>;
  readonly sessionId: string;
  /** Id of the last event the client has seen; 0 for none. */
  readonly after: number;
}

/** One event as server-sent events have it (HTML Standard, section 9.2). */
function toText(event: SessionEvent): string {
  return `id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

async function send(out: Writable, text: string, signal: AbortSignal): Promise<void> {
  if (!out.write(text)) await onceEvent(out, 'drain', { signal });
}

/**
 * Writes a session's events, past ones first, until the session is CLOSED or `signal` is aborted.
 *
 * News only says that there is something to read: what is sent comes from the database, a page at a time and as fast as
 * the client takes it. So nothing is buffered for a slow one, and whoever comes back with the last id misses nothing.
 */
export async function streamEvents(options: EventStreamOptions, out: Writable, signal: AbortSignal): Promise<void> {
  const { service, events, sessionId } = options;
  let { after } = options;
  let news = Promise.withResolvers<void>();
  using stack = new DisposableStack();
  stack.defer(events.on('eventRecorded', (each) => each.sessionId === sessionId && news.resolve()));
  const heartbeat = setInterval(() => news.resolve(), HEARTBEAT_MS);
  stack.defer(() => clearInterval(heartbeat));
  for (;;) {
    // Before the look at the database, so that what is recorded during it is news for the next one.
    news = Promise.withResolvers();
    const page = await service.listEvents(sessionId, { after, limit: PAGE_SIZE });
    await send(out, page.map(toText).join('') || ': still here\n\n', signal);
    const last = page.at(-1);
    if (last?.toState === 'CLOSED') return;
    after = last?.id ?? after;
    if (page.length === PAGE_SIZE) continue;
    await raceAbort(news.promise, signal);
  }
}
