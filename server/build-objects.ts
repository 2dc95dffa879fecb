import path from 'node:path';

import type { Logger } from './platform/logger/logger.ts';
import { FolderObjectStore, type ObjectStore, ObjectStoreError, type S3ObjectStore } from './platform/objects/index.ts';
import type { S3Settings, Settings } from './settings/load-settings.ts';

/** Uploads take less; what is older was begun by a service that was killed. */
const MAX_UPLOAD_MS = 24 * 60 * 60_000;

/**
 * Opens the store of objects that the settings name: a bucket of an S3 server, or a folder below the data folder. In development a missing
 * bucket is made.
 *
 * @throws {ObjectStoreError} which names the server and the bucket, when they cannot be used
 */
export async function buildObjects(
  settings: Pick<Settings, 'mode' | 'dataDir' | 's3'>,
  stack: AsyncDisposableStack,
  { logger, signal }: { readonly logger: Logger; readonly signal: AbortSignal },
): Promise<ObjectStore> {
  const { mode, dataDir, s3 } = settings;
  if (s3 === undefined) return FolderObjectStore.open(path.join(dataDir, 'objects'));
  // Here and not above: the SDK takes 55 MB and a quarter of a second, which who keeps objects in a folder need not pay.
  const { S3ObjectStore } = await import('./platform/objects/s3-store.ts');
  const store = stack.use(new S3ObjectStore(s3));
  await provideBucket(store, { mode, s3, logger, signal });
  try {
    const discarded = await store.discardUnfinished(new Date(Date.now() - MAX_UPLOAD_MS));
    if (discarded > 0) logger.info({ uploads: discarded }, 'uploads that never came to an end were discarded');
  } catch (error) {
    // Not every key may list uploads, and not every server has them listed.
    logger.warn({ err: error }, 'uploads that never came to an end could not be discarded');
  }
  return store;
}

async function provideBucket(
  store: S3ObjectStore,
  at: {
    readonly mode: Settings['mode'];
    readonly s3: S3Settings;
    readonly logger: Logger;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { mode, s3, logger, signal } = at;
  try {
    await store.check(signal);
  } catch (error) {
    const isMissing = error instanceof ObjectStoreError && error.code === 'NoSuchBucket';
    if (!isMissing || mode !== 'development') throw error;
    await store.createBucket(signal);
    logger.info({ bucket: s3.bucket }, 'the bucket was made');
  }
}
