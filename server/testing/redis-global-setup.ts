import type { TestProject } from 'vitest/node';

import { startTestRedis } from './redis-server.ts';

/** Starts the one Redis of a test run. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await using starting = new AsyncDisposableStack();
  project.provide('testRedisServer', await startTestRedis(starting));
  const running = starting.move();
  return () => running.disposeAsync();
}
