import path from 'node:path';

import { AppError } from './lib/app-error.ts';
import { toError } from './lib/deadline.ts';
import type { Logger } from './platform/logger/logger.ts';
import { type Database, migrate, openDatabase, startEmbeddedPostgres } from './platform/postgres/index.ts';
import type { Settings } from './settings/load-settings.ts';

const POOL_SIZE = 20;
const STATEMENT_TIMEOUT_MS = 15_000;
const CONNECT_TIMEOUT_MS = 10_000;
/** A server elsewhere can stop without a word; then those who need it are told so soon. Milliseconds. */
const CLOUD_CONNECT_TIMEOUT_MS = 5_000;
const ANSWER_TIMEOUT_MS = STATEMENT_TIMEOUT_MS + 1_000;

const CONFIG = path.join(import.meta.dirname, '../cloud/config');
const MIGRATIONS = { initSqlPath: path.join(CONFIG, 'init.sql'), migrationsDir: path.join(CONFIG, 'migrations') };

/** The database cannot be reached; the message says why. */
export class StorageError extends Error {
  override readonly name = 'StorageError';
}

/**
 * Opens the database the settings name, or starts the embedded one, with its schema up to date.
 *
 * What was opened is added to `stack`.
 *
 * @throws {StorageError} and what the embedded server and the migrations fail with
 */
export async function openStorage(
  settings: Pick<Settings, 'databaseUrl' | 'dataDir' | 'mode'>,
  stack: AsyncDisposableStack,
  { logger, signal }: { logger: Logger; signal: AbortSignal },
): Promise<Database> {
  const limits = {
    poolSize: POOL_SIZE,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    ...(settings.mode === 'cloud'
      ? { connectTimeoutMs: CLOUD_CONNECT_TIMEOUT_MS, answerTimeoutMs: ANSWER_TIMEOUT_MS }
      : { connectTimeoutMs: CONNECT_TIMEOUT_MS }),
  };
  const address = await findAddress();
  const db = stack.use(await openDatabase({ ...address, ...limits }, logger).catch(refuse));
  const { applied, version } = await migrate(db, MIGRATIONS, {
    sampleData: settings.mode === 'development' ? 'load' : 'skip',
  });
  if (applied.length > 0) logger.info({ version, applied: applied.length }, 'database schema brought up to date');
  return db;

  function refuse(error: unknown): never {
    // Without its address: that holds a password.
    const { message } = toError(error instanceof AppError ? error.cause : error);
    throw new StorageError(`The database cannot be reached: ${message}`, { cause: error });
  }

  async function findAddress(): Promise<
    { connectionString: string } | { host: string; database: string; user: string }
  > {
    const { databaseUrl, dataDir } = settings;
    if (databaseUrl !== undefined) return { connectionString: databaseUrl };
    const { socketDir, database, user } = stack.use(await startEmbeddedPostgres({ dataDir, logger }, signal));
    return { host: socketDir, database, user };
  }
}
