import type { ObjectStore } from './object-store.ts';

/**
 * Retention: deletes the objects below `prefix` that were last written before `moment`; returns how many.
 *
 * Object by object, so that it can be broken off and gone on with at any time, and two nodes may do it at once. An object that is replaced
 * while it is being looked at may be lost with the one before: what is to be kept for long does not belong below such a prefix.
 *
 * @throws {ObjectStoreError} {ObjectKeyError} and what `signal` was aborted with
 */
export async function deleteOlderThan(
  store: ObjectStore,
  { prefix, moment }: { readonly prefix: string; readonly moment: Date },
  signal: AbortSignal,
): Promise<number> {
  let deleted = 0;
  for await (const { key, modifiedAt } of store.list(prefix)) {
    signal.throwIfAborted();
    if (modifiedAt >= moment) continue;
    await store.delete(key);
    deleted += 1;
  }
  return deleted;
}
