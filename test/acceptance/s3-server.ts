import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import type { ServiceSettings } from './service.ts';
import { until } from './until.ts';

/** Debian's own: its packages are not seen by another Python that may be first on the PATH. */
const PYTHON = '/usr/bin/python3';
const SWIFT = '/usr/lib/python3/dist-packages/swift/common/middleware/s3api/s3api.py';
const SCRIPT = path.resolve(import.meta.dirname, '../../server/testing/swift-s3-server.py');
const START_TIMEOUT_MS = 60_000;

/** Why there is no S3 server for tests here, or undefined where there is one. */
export function whyNoS3Server(): string | undefined {
  return existsSync(SWIFT) ? undefined : 'needs OpenStack Swift (Debian package python3-swift)';
}

async function end(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  if (child.kill('SIGKILL')) await exit;
}

/** Starts a real S3 server, OpenStack Swift; gives the settings of a service that keeps objects there. `stack` ends it. */
export async function openS3Server(stack: AsyncDisposableStack): Promise<ServiceSettings> {
  const folder = await mkdtemp(path.join(tmpdir(), 'guise-test-s3-'));
  stack.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }));
  const accessKey = 'guise:tester';
  const secretKey = randomUUID();
  const child = spawn(PYTHON, ['-W', 'ignore', SCRIPT, folder, accessKey, secretKey], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  stack.defer(() => end(child));
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  const port = await until('the S3 server tells its port', () => /^(\d+)\n/.exec(output)?.[1], {
    timeoutMs: START_TIMEOUT_MS,
  });
  return {
    S3_ENDPOINT: `http://127.0.0.1:${port}`,
    S3_BUCKET: `test-${randomUUID()}`,
    S3_REGION: 'us-east-1',
    S3_ACCESS_KEY_ID: accessKey,
    S3_SECRET_ACCESS_KEY: secretKey,
  };
}
