import { once as onceEvent } from 'node:events';
import type { Writable } from 'node:stream';

import type { SessionEvent } from '@guise/contract';

import type { OpenFeed } from './session-feed.ts';

/** One event as server-sent events have it (HTML Standard, section 9.2). */
function toText(event: SessionEvent): string {
  return `id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

/**
 * Writes the events of a feed, as fast as the client takes them, until it ends or `signal` is aborted. A comment in place of an
 * empty page keeps proxies from taking a quiet stream for a dead one.
 */
export async function streamEvents(feed: OpenFeed, out: Writable, signal: AbortSignal): Promise<void> {
  for await (const page of feed.pages(signal)) {
    const text = page.map(toText).join('') || ': still here\n\n';
    if (!out.write(text)) await onceEvent(out, 'drain', { signal });
  }
}
