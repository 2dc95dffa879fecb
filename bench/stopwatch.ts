/** What some work gave, and the milliseconds from its start to its end. */
export interface Timed<Value> {
  readonly value: Value;
  readonly durationMs: number;
}

/** Runs `work` and says how long it took. */
export async function timed<Value>(work: () => Promise<Value>): Promise<Timed<Value>> {
  const startedAt = performance.now();
  const value = await work();
  return { value, durationMs: performance.now() - startedAt };
}
