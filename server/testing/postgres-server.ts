import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import path from 'node:path';

import { silentLogger } from '../platform/logger/logger.ts';
import { startEmbeddedPostgres } from '../platform/postgres/embedded-postgres.ts';
import { migrate } from '../platform/postgres/migrate.ts';
import { openDatabase } from '../platform/postgres/open-database.ts';
import { MIGRATIONS } from './migrations.ts';
import { findTestParentDirectory } from './test-directory.ts';

const START_TIMEOUT_MS = 60_000;
const MAX_CONNECTIONS = 200;
const TEMPLATE = 'guise_template';
const DIRECTORY_NAME = /^guise-test-postgres-(?<pid>\d+)-/;

/** A PostgreSQL for tests. */
export interface TestPostgresServer {
  readonly socketDir: string;
  readonly user: string;
  /** Database to connect to for making others. */
  readonly maintenanceDatabase: string;
  /** Database that has all migrations and no rows. */
  readonly templateDatabase: string;
}

/** Starts a PostgreSQL, with a migrated template of which each test gets a copy. `stack` ends it; so does the death of this process. */
export async function startTestPostgres(stack: AsyncDisposableStack): Promise<TestPostgresServer> {
  await using starting = new AsyncDisposableStack();
  const parentDir = await findTestParentDirectory();
  await removeLeftovers(parentDir);
  const dataDir = await mkdtemp(path.join(parentDir, `guise-test-postgres-${process.pid}-`));
  starting.defer(() => rm(dataDir, { recursive: true, force: true }));
  // Where the tests run as root the server runs as somebody else and must get through.
  await chmod(dataDir, 0o711);

  const server = starting.use(
    await startEmbeddedPostgres(
      { dataDir, logger: silentLogger, durability: 'none', maxConnections: MAX_CONNECTIONS },
      AbortSignal.timeout(START_TIMEOUT_MS),
    ),
  );
  await makeTemplate({ host: server.socketDir, user: server.user, database: server.database });
  stack.use(starting.move());
  return {
    socketDir: server.socketDir,
    user: server.user,
    maintenanceDatabase: server.database,
    templateDatabase: TEMPLATE,
  };
}

async function makeTemplate(address: { host: string; user: string; database: string }): Promise<void> {
  const limits = { poolSize: 1, statementTimeoutMs: START_TIMEOUT_MS, connectTimeoutMs: START_TIMEOUT_MS };
  await using maintenance = await openDatabase({ ...address, ...limits }, silentLogger);
  await maintenance.exec(`create database ${TEMPLATE} template template0`);
  {
    await using template = await openDatabase({ ...address, database: TEMPLATE, ...limits }, silentLogger);
    await migrate(template, MIGRATIONS);
  }
  // A database with a connection to it cannot be copied: let nobody in.
  await maintenance.exec(`alter database ${TEMPLATE} with is_template true allow_connections false`);
}

/** Directories of runs that were killed; their servers ended with them. */
async function removeLeftovers(parentDir: string): Promise<void> {
  for (const name of await readdir(parentDir)) {
    const pid = Number(DIRECTORY_NAME.exec(name)?.groups?.['pid']);
    if (Number.isNaN(pid) || isAlive(pid)) continue;
    await rm(path.join(parentDir, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}
