import { once } from 'node:events';
import { createServer } from 'node:net';

import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openS3Server, whyNoS3Server } from '../../testing/s3-server.ts';
import { S3ObjectStore, type S3Options } from './s3-store.ts';

const NEVER = new AbortController().signal;
const noS3 = whyNoS3Server();

async function* chunks(...contents: string[]): AsyncGenerator<Uint8Array> {
  for (const content of contents) yield Buffer.from(content);
}

/** All that whoever logs or prints an error can see of it, its causes included. */
function everythingOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return [error.stack, JSON.stringify(error), everythingOf(error.cause)].join('\n');
}

async function keysOf(store: S3ObjectStore, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => new Error('It did not fail'),
    (reason: unknown) => reason,
  );
}

describe.skipIf(noS3 !== undefined)(noS3 ?? 'S3ObjectStore', { timeout: 60_000 }, () => {
  const stack = new AsyncDisposableStack();
  let server: S3Options;
  let store: S3ObjectStore;
  beforeAll(async () => {
    server = await openS3Server(stack);
    store = stack.use(new S3ObjectStore(server));
    await store.createBucket(NEVER);
  }, 60_000);
  afterAll(() => stack.disposeAsync());

  const openWith = (change: Partial<S3Options>): S3ObjectStore =>
    stack.use(new S3ObjectStore({ ...server, ...change }));

  it.each([{ secretAccessKey: 'a-wrong-secret' }, { accessKeyId: 'guise:nobody' }])(
    'says that the key is refused, and nothing of the key: %j',
    async (change) => {
      const key = { ...server, ...change };
      const refused = openWith(change);
      const failures = await Promise.all(
        [
          refused.check(NEVER),
          refused.head('a'),
          refused.open('a', NEVER),
          refused.delete('a'),
          refused.put('a', chunks('x'), NEVER),
          keysOf(refused, ''),
        ].map(failureOf),
      );
      for (const failure of failures.slice(1)) expect(failure).toMatchObject({ code: 'DEPENDENCY_UNAVAILABLE' });
      for (const failure of failures) {
        const text = everythingOf(failure);
        expect(text).toContain(`refuses the key for bucket ${server.bucket}`);
        expect(text).not.toContain(key.secretAccessKey);
        expect(text).not.toContain(key.accessKeyId);
      }
      expect(await store.head('a')).toBeUndefined();
    },
  );

  it('names the bucket that is not there, and does not make it by itself', async () => {
    const missing = openWith({ bucket: 'not-there' });
    expect(await failureOf(missing.check(NEVER))).toMatchObject({
      code: 'NoSuchBucket',
      message: `The object store ${new URL(server.endpoint).host} has no bucket not-there`,
    });
    const failure = await failureOf(missing.put('a', chunks('x'), NEVER));
    expect(failure).toMatchObject({ code: 'DEPENDENCY_UNAVAILABLE', cause: { code: 'NoSuchBucket' } });
    expect(await failureOf(missing.check(NEVER))).toMatchObject({ code: 'NoSuchBucket' });
  });

  it('says that a server cannot be reached', async () => {
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const { port } = free.address() as { port: number };
    free.close();
    await once(free, 'close');
    const away = openWith({ endpoint: `http://127.0.0.1:${port}` });

    expect(await failureOf(away.check(NEVER))).toMatchObject({
      name: 'ObjectStoreError',
      message: `The object store 127.0.0.1:${port} cannot be reached (ECONNREFUSED)`,
    });
    expect(await failureOf(away.open('a', NEVER))).toMatchObject({ cause: { code: 'ECONNREFUSED' } });
  });

  it('waits for a server that is silent no longer than it is told', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    stack.defer(() => void silent.close());
    const { port } = silent.address() as { port: number };
    const stuck = openWith({ endpoint: `http://127.0.0.1:${port}` });
    await expect(stuck.check(AbortSignal.timeout(200))).rejects.toMatchObject({ name: 'TimeoutError' });
  });

  it('gives an address that works without a key, as the file it is to be, until it ends', async () => {
    await store.put('videos/one', chunks('moving pictures'), NEVER);
    const fileName = 'Überblick "1".webm';
    const options = { expiresInSeconds: 60, fileName, contentType: 'video/webm' };

    const address = await store.presignGet('videos/one', options);
    const answer = await fetch(address);
    expect(await answer.text()).toBe('moving pictures');
    expect(answer.headers.get('content-type')).toBe('video/webm');
    const disposition = answer.headers.get('content-disposition') ?? '';
    expect(disposition).toMatch(/^attachment; filename="_berblick _1_.webm"; /);
    expect(decodeURIComponent(disposition.split("UTF-8''")[1] ?? '')).toBe(fileName);
    expect(address).not.toContain(server.secretAccessKey);

    for (const spoiled of [
      address.replace('videos/one', 'videos/two'),
      address.replace('video%2Fwebm', 'text%2Fhtml'),
      address.replace('Expires=60', 'Expires=6000'),
    ]) {
      expect(spoiled).not.toBe(address);
      expect((await fetch(spoiled)).status).toBe(403);
    }
  });

  it('lists nothing that others keep in the bucket under names that are no keys', async () => {
    const client = new S3Client({
      ...server,
      credentials: server,
      requestChecksumCalculation: 'WHEN_REQUIRED',
    });
    stack.defer(() => client.destroy());
    for (const name of ['theirs/.hidden', 'theirs/ä', 'theirs/ours']) {
      await client.send(new PutObjectCommand({ Bucket: server.bucket, Key: name, Body: 'x' }));
    }
    expect(await keysOf(store, 'theirs/')).toEqual(['theirs/ours']);
  });

  it('makes a bucket that is there already without complaint', async () => {
    await expect(store.createBucket(NEVER)).resolves.toBeUndefined();
  });
});
