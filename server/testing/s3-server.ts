import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

import { raceAbort } from '../lib/deadline.ts';
import type { S3Options } from '../platform/objects/index.ts';

/** Debian's own: its packages are not seen by another Python that may be first on the PATH. */
const PYTHON = '/usr/bin/python3';
const SWIFT = '/usr/lib/python3/dist-packages/swift/common/middleware/s3api/s3api.py';
const SCRIPT = fileURLToPath(new URL('swift-s3-server.py', import.meta.url));
const START_TIMEOUT_MS = 60_000;

/** How to reach a server, with a bucket that is not there yet. */
type S3Access = S3Options;

/** Why there is no S3 server for tests here, or undefined where there is one. */
export function whyNoS3Server(): string | undefined {
  return existsSync(SWIFT) ? undefined : 'needs OpenStack Swift (Debian package python3-swift)';
}

function readPort(child: ChildProcessByStdio<null, Readable, null>): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  createInterface(child.stdout).once('line', (line) => resolve(Number(line)));
  child.once('error', reject);
  child.once('exit', (code) => reject(new Error(`The S3 server ended with exit code ${code}`)));
  return promise;
}

/** Starts a real S3 server, OpenStack Swift, on a free port of loopback. `stack` ends it and removes what it keeps. */
export async function openS3Server(stack: AsyncDisposableStack): Promise<S3Access> {
  // Not in /dev/shm, which has extended attributes from Linux 6.6 on only.
  const folder = await mkdtemp(path.join(tmpdir(), 'guise-test-s3-'));
  stack.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }));
  const accessKeyId = 'guise:tester';
  const secretAccessKey = randomUUID();
  const child = spawn(PYTHON, ['-W', 'ignore', SCRIPT, folder, accessKeyId, secretAccessKey], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit');
  exit.catch(() => undefined); // That it could not be started is told by `readPort`.
  stack.defer(async () => {
    if (child.kill('SIGKILL')) await exit;
  });
  const port = await raceAbort(readPort(child), AbortSignal.timeout(START_TIMEOUT_MS));
  const bucket = `test-${randomUUID()}`;
  const endpoint = `http://127.0.0.1:${port}`;
  return { endpoint, bucket, region: 'us-east-1', accessKeyId, secretAccessKey, forcePathStyle: true };
}
