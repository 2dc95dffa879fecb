import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 20;
const DEFAULT_TIMEOUT_MS = 15_000;

type Found<Value> = Exclude<Value, undefined | null | false>;

/**
 * Waits for a fact: asks `probe` until it gives something other than undefined, null and false, and resolves to that.
 *
 * A probe that throws has not found it yet; its last error is the cause of the failure.
 *
 * @throws when the fact did not come true in `timeoutMs` (default 15,000).
 */
export async function until<Value>(
  what: string,
  probe: () => Value | Promise<Value>,
  options: { readonly timeoutMs?: number; readonly pollMs?: number } = {},
): Promise<Found<Value>> {
  const { timeoutMs = DEFAULT_TIMEOUT_MS, pollMs = POLL_MS } = options;
  const deadline = performance.now() + timeoutMs;
  let cause: unknown;
  for (;;) {
    try {
      const value = await probe();
      if (value !== undefined && value !== null && value !== false) return value as Found<Value>;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > deadline) throw new Error(`Not true after ${timeoutMs} ms: ${what}`, { cause });
    await sleep(pollMs);
  }
}
