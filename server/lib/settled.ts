/** Throws what failed among several things that were all waited for; nothing when none did. */
export function throwFailures(results: readonly PromiseSettledResult<unknown>[], message: string): void {
  const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  if (failures.length > 0) throw new AggregateError(failures, message);
}
