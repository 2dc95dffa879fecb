import type { CreateSession, Session } from '@guise/contract';

import { send } from '../acceptance/http-client.ts';

/** When a create is broken off, so that every stage of it is met: milliseconds after the request was sent. */
export const CANCEL_AFTER_MS = [0, 1, 2, 5, 10, 20, 50, 100, 200, 400] as const;

/** Asks for a session and goes away `afterMs` later; gives the session when the answer was there before. */
export async function cancelCreate(
  address: string,
  options: CreateSession,
  afterMs: number,
): Promise<Session | undefined> {
  const gone = new AbortController();
  const timer = setTimeout(() => gone.abort(), afterMs);
  try {
    const answer = await send(`${address}/api/sessions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(options),
      signal: gone.signal,
    });
    return answer.status === 201 ? (answer.json() as Session) : undefined;
  } catch (error) {
    if (gone.signal.aborted) return undefined;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
