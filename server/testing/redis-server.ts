import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';

import { silentLogger } from '../platform/logger/logger.ts';
import { openRedis } from '../platform/redis/open-redis.ts';
import { openTestDirectory } from './test-directory.ts';

const START_TIMEOUT_MS = 20_000;
const RETRY_MS = 50;

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Starts a Redis of one's own: the real one, in memory alone. `stack` ends it. */
export async function startTestRedis(
  stack: AsyncDisposableStack,
): Promise<{ readonly url: string; readonly pid: number }> {
  const directory = await openTestDirectory(stack);
  const port = await findFreePort();
  const pidFile = path.join(directory, 'redis.pid');
  const settings = { port, bind: '127.0.0.1', dir: directory, save: '', appendonly: 'no', pidfile: pidFile };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  // The shell holds the other end of this pipe: however the run ends, the server ends with it.
  const child = spawn('sh', ['-c', 'redis-server "$@" & read -r _; kill -9 $!', 'sh', ...args], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  stack.defer(async () => {
    const ended = once(child, 'exit');
    child.stdin.end();
    await ended;
  });
  const url = `redis://127.0.0.1:${port}`;
  await waitForAnswer(url);
  return { url, pid: Number(await readFile(pidFile, 'utf8')) };
}

async function waitForAnswer(url: string): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    try {
      await using _redis = await openRedis({ url, commandTimeoutMs: 1_000, connectTimeoutMs: 1_000 }, silentLogger);
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}
