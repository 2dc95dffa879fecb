import { randomUUID } from 'node:crypto';

import { silentLogger } from '../platform/logger/logger.ts';
import { openRedis } from '../platform/redis/open-redis.ts';
import type { Redis } from '../platform/redis/redis.ts';
import { startTestRedis } from './redis-server.ts';

/** A Redis of the test's own, and a connection to it. */
export interface TestRedis {
  readonly redis: Redis;
  readonly url: string;
  /** Stops the server until it is disposed: it holds its connections and answers nothing. */
  stop(): Disposable;
}

/** Starts a Redis and connects to it. `stack` ends both. */
export async function openTestRedis(stack: AsyncDisposableStack, commandTimeoutMs = 5_000): Promise<TestRedis> {
  const { url, pid } = await startTestRedis(stack);
  const redis = stack.use(await openRedis({ url, commandTimeoutMs, connectTimeoutMs: 5_000 }, silentLogger));
  return {
    redis,
    url,
    stop() {
      process.kill(pid, 'SIGSTOP');
      return { [Symbol.dispose]: () => void process.kill(pid, 'SIGCONT') };
    },
  };
}

/** The beginning of keys that nobody else has. */
export function testPrefix(): string {
  return `test-${randomUUID()}`;
}
