import { S3ObjectStore } from '../../server/platform/objects/s3-store.ts';
import { openS3Server } from '../../server/testing/s3-server.ts';

/** Starts a real S3 server with an empty bucket; gives the settings of nodes that keep objects there. `stack` ends it. */
export async function openBucket(stack: AsyncDisposableStack): Promise<Readonly<Record<string, string>>> {
  const s3 = await openS3Server(stack);
  using store = new S3ObjectStore(s3);
  await store.createBucket(AbortSignal.timeout(30_000));
  return {
    S3_ENDPOINT: s3.endpoint,
    S3_BUCKET: s3.bucket,
    S3_REGION: s3.region,
    S3_ACCESS_KEY_ID: s3.accessKeyId,
    S3_SECRET_ACCESS_KEY: s3.secretAccessKey,
  };
}
