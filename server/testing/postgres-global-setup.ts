import type { TestProject } from 'vitest/node';

import { startTestPostgres } from './postgres-server.ts';

/** Starts the one PostgreSQL of a test run, in vitest's main process, so that it ends with the run even if the run is killed. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const running = new AsyncDisposableStack();
  project.provide('testPostgresServer', await startTestPostgres(running));
  return () => running.disposeAsync();
}
