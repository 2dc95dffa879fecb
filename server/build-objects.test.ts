import { describe, expect, it } from 'vitest';

import { buildObjects } from './build-objects.ts';
import { createLogger } from './platform/logger/pino-logger.ts';
import { FolderObjectStore } from './platform/objects/index.ts';
import { S3ObjectStore } from './platform/objects/s3-store.ts';
import { openS3Server, whyNoS3Server } from './testing/s3-server.ts';
import { openTestDirectory } from './testing/test-directory.ts';

const signal = new AbortController().signal;
const logger = createLogger({ level: 'silent', isReadable: false });
const noS3 = whyNoS3Server();

describe('the object store of the settings', () => {
  it('is a folder when there is no S3', async () => {
    await using stack = new AsyncDisposableStack();
    const dataDir = await openTestDirectory(stack);
    const store = await buildObjects({ mode: 'development', dataDir, s3: undefined }, stack, { logger, signal });
    expect(store).toBeInstanceOf(FolderObjectStore);
  });

  it.skipIf(noS3 !== undefined)(
    'is a bucket, which is made in development and has to be there in a cloud',
    async () => {
      await using stack = new AsyncDisposableStack();
      const s3 = await openS3Server(stack);
      const settings = { dataDir: '/nowhere', s3 };

      const inCloud = (): Promise<unknown> => buildObjects({ ...settings, mode: 'cloud' }, stack, { logger, signal });
      await expect(inCloud()).rejects.toThrow(`has no bucket ${s3.bucket}`);
      const store = await buildObjects({ ...settings, mode: 'development' }, stack, { logger, signal });
      expect(store).toBeInstanceOf(S3ObjectStore);
      await expect(store.check(signal)).resolves.toBeUndefined();
      await expect(inCloud()).resolves.toBeInstanceOf(S3ObjectStore);
    },
    60_000,
  );
});
