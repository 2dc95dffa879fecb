import { setTimeout as sleep } from 'node:timers/promises';

import type { Logger } from '../../platform/logger/logger.ts';
import type { SessionJournal } from './session-journal.ts';
import type { SessionRegistry } from './session-registry.ts';

const LOOK_INTERVAL_MS = 100;

/**
 * Tells every live session that its node is about to stop, and waits until all have ended by themselves: for `timeoutMs` at
 * most, or until `signal` is aborted. Never rejects.
 */
export async function drainSessions(
  parts: { readonly registry: SessionRegistry; readonly journal: SessionJournal; readonly logger: Logger },
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  const { registry, journal, logger } = parts;
  const endsAt = Date.now() + timeoutMs;
  const data = { endsAt: new Date(endsAt).toISOString() };
  const told = [...registry.live.keys()].map(async (id) => {
    await journal.note(id, 'drainStarted', { reason: 'this node is shutting down', data }).catch((error: unknown) => {
      logger.warn({ err: error, sessionId: id }, 'session could not be told of the shutdown');
    });
  });
  await Promise.all(told);
  while (registry.ids.size > 0 && Date.now() < endsAt && !signal.aborted) {
    // The only rejection `sleep` has is the abort, and the loop condition deals with that.
    await sleep(LOOK_INTERVAL_MS, undefined, { signal }).catch(() => undefined);
  }
}
