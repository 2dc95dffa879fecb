import { randomUUID } from 'node:crypto';

import { inject } from 'vitest';

import { silentLogger } from '../platform/logger/logger.ts';
import type { Database } from '../platform/postgres/database.ts';
import { openDatabase } from '../platform/postgres/open-database.ts';
import type { TestPostgresServer } from './postgres-server.ts';

const POOL_SIZE = 5;
const STATEMENT_TIMEOUT_MS = 20_000;
const CONNECT_TIMEOUT_MS = 10_000;

declare module 'vitest' {
  interface ProvidedContext {
    /** The server that all tests of a run share, as `postgres-global-setup.ts` provides it. */
    testPostgresServer: TestPostgresServer;
  }
}

/** Where a test's database is; fits `openDatabase`. */
export interface TestDatabaseAddress {
  readonly host: string;
  readonly user: string;
  readonly database: string;
}

/** A migrated database of the test's own, without rows. `stack` closes and drops it. */
export async function openTestDatabase(stack: AsyncDisposableStack): Promise<Database> {
  return openTestPool(stack, await createTestDatabase(stack, 'migrated'));
}

/** A database of the test's own, `migrated` or `empty`, to which the test connects itself. `stack` drops it. */
export async function createTestDatabase(
  stack: AsyncDisposableStack,
  content: 'migrated' | 'empty',
): Promise<TestDatabaseAddress> {
  const { socketDir, user, maintenanceDatabase, templateDatabase } = testServer();
  const database = `test_${randomUUID().replaceAll('-', '')}`;
  const template = content === 'migrated' ? templateDatabase : 'template0';
  const maintenance = { host: socketDir, user, database: maintenanceDatabase };
  await runOnce(maintenance, `create database ${database} template ${template} strategy file_copy`);
  stack.defer(() => runOnce(maintenance, `drop database ${database} with (force)`));
  return { host: socketDir, user, database };
}

/** One more pool on a test's database, as another node of a cluster would have. `stack` closes it. */
export async function openTestPool(stack: AsyncDisposableStack, address: TestDatabaseAddress): Promise<Database> {
  return stack.use(await openPool(address));
}

function openPool(address: TestDatabaseAddress): Promise<Database> {
  const limits = {
    poolSize: POOL_SIZE,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
  };
  return openDatabase({ ...address, ...limits, applicationName: 'guise-test' }, silentLogger);
}

async function runOnce(address: TestDatabaseAddress, sql: string): Promise<void> {
  await using db = await openPool(address);
  await db.exec(sql);
}

function testServer(): TestPostgresServer {
  // Typed as always there; without the global setup it is not.
  const server = inject('testPostgresServer') as TestPostgresServer | undefined;
  if (server !== undefined) return server;
  throw new Error(
    'No PostgreSQL for this test: its vitest project needs server/testing/postgres-global-setup.ts as globalSetup',
  );
}
