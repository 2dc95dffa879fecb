import { randomUUID } from 'node:crypto';

import { inject } from 'vitest';

import { silentLogger } from '../platform/logger/logger.ts';
import { openRedis } from '../platform/redis/open-redis.ts';
import type { Redis } from '../platform/redis/redis.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The server that all tests of a run share, as `redis-global-setup.ts` provides it. */
    testRedisServer: { readonly url: string; readonly pid: number };
  }
}

/** A connection to the server the tests share; `stack` closes it. */
export async function openTestRedis(stack: AsyncDisposableStack, commandTimeoutMs = 5_000): Promise<Redis> {
  const { url } = inject('testRedisServer');
  return stack.use(await openRedis({ url, commandTimeoutMs, connectTimeoutMs: 5_000 }, silentLogger));
}

/** The beginning of keys that nobody else has. */
export function testPrefix(): string {
  return `test-${randomUUID()}`;
}

/** Stops the server until it is disposed: it holds its connections and answers nothing. */
export function stopTestRedis(): Disposable {
  const { pid } = inject('testRedisServer');
  process.kill(pid, 'SIGSTOP');
  return { [Symbol.dispose]: () => void process.kill(pid, 'SIGCONT') };
}
