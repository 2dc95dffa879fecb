/**
 * Makes a disposal idempotent: every call gets the promise of the first one.
 *
 * A second caller then waits for the same end instead of racing it.
 */
export function once(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => (running ??= run());
}
