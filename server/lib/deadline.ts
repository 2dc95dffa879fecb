/**
 * Settles as `work` does, or rejects with the signal's reason as soon as it is aborted.
 *
 * `work` goes on when the signal wins: pass `onLate` to dispose of a result that arrives after that.
 */
export async function raceAbort<Value>(
  work: Promise<Value>,
  signal: AbortSignal,
  onLate?: (value: Value) => void,
): Promise<Value> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => {
    // Someone must be there for what we gave up on; a late failure has nobody left to tell.
    work.then(onLate, () => undefined);
    reject(toError(signal.reason));
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Whatever was thrown, as an `Error`. */
export function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}

/** Whether `error` is what a signal of `AbortSignal.timeout` rejects with. */
export function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'TimeoutError';
}
