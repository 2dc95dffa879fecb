import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

import type { Database, Queryable } from './database.ts';
import { ifPresent } from './file-error.ts';

/** Any number that nothing else in this database takes a lock on. */
const MIGRATION_LOCK = 7_214_068_113;
const FIRST_VERSION = 1;
const FILE_NAME = /^(?<version>\d{4})-(?<name>[a-z0-9-]+)\.sql$/;
const WRAPPED = /^begin;$(?<body>[\s\S]*)^commit;\s*(?![\s\S])/m;

/** Where the migrations are. */
export interface MigrationSources {
  /** The whole schema as of version 1. */
  readonly initSqlPath: string;
  /** Directory of the later ones, `NNNN-name.sql`; it need not exist. */
  readonly migrationsDir: string;
}

interface AppliedMigration {
  readonly version: number;
  readonly name: string;
}

export interface MigrationReport {
  /** What this call applied, in order; empty where the database was up to date or another process was faster. */
  readonly applied: readonly AppliedMigration[];
  /** Version of the schema now. */
  readonly version: number;
}

interface Migration extends AppliedMigration {
  readonly sql: string;
}

/** The database was migrated by a newer version of the service than this one. */
export class DatabaseTooNewError extends Error {
  override readonly name = 'DatabaseTooNewError';
  readonly databaseVersion: number;
  readonly codeVersion: number;

  constructor(versions: { databaseVersion: number; codeVersion: number }) {
    super(
      `The database is at schema version ${versions.databaseVersion}, this version of Guise knows ${versions.codeVersion} ` +
        'at most: run the version that migrated it, or a newer one, or restore a backup',
    );
    this.databaseVersion = versions.databaseVersion;
    this.codeVersion = versions.codeVersion;
  }
}

/** A migration could not be read or applied; the database is as the one before left it. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}

/**
 * Brings the schema up to date.
 *
 * A migration file is what `psql` could load by itself: `begin;`, the changes, the file's own row in `schema_migrations`,
 * `commit;`. Each runs here in a transaction that holds an advisory lock and looks again at what is applied, so that any number of
 * processes may start at once: one applies it, the others find it applied.
 *
 * `sampleData` is for a database that this call creates; an existing one is given none.
 *
 * @throws {DatabaseTooNewError} if the database has a migration that is not among `sources`; nothing is changed.
 * @throws {MigrationError} if a file is malformed or fails.
 */
export async function migrate(
  db: Database,
  sources: MigrationSources,
  options: { readonly sampleData?: 'load' | 'skip' } = {},
): Promise<MigrationReport> {
  const migrations = await readMigrations(sources);
  const codeVersion = migrations.at(-1)?.version ?? 0;
  const found = await findVersion(db);
  assertNotNewer(found, codeVersion);

  const applied: AppliedMigration[] = [];
  for (const migration of migrations.filter(({ version }) => version > found)) {
    const isOurs = await db.transaction(async (tx) => {
      await tx.query('select pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
      const current = await findVersion(tx);
      assertNotNewer(current, codeVersion);
      if (current >= migration.version) return false;
      await apply(tx, migration, options.sampleData === 'load');
      return true;
    });
    if (isOurs) applied.push({ version: migration.version, name: migration.name });
  }
  return { applied, version: codeVersion };
}

async function apply(tx: Queryable, migration: Migration, withSampleData: boolean): Promise<void> {
  const label = `Migration ${migration.version} (${migration.name})`;
  await tx.exec('set local statement_timeout = 0; set local client_min_messages = warning');
  await tx.query(`select set_config('guise.sample_data', $1, true)`, [withSampleData ? 'on' : 'off']);
  try {
    await tx.exec(migration.sql);
  } catch (error) {
    throw new MigrationError(`${label} failed`, { cause: error });
  }
  if ((await findVersion(tx)) !== migration.version) {
    throw new MigrationError(`${label} does not record itself in schema_migrations`);
  }
}

/** Version of the schema; 0 for a database without one. */
async function findVersion(db: Queryable): Promise<number> {
  const [table] = await db.query<{ exists: boolean }>(`select to_regclass('schema_migrations') is not null as exists`);
  if (table?.exists !== true) return 0;
  const [row] = await db.query<{ version: number }>(
    'select coalesce(max(version), 0) as version from schema_migrations',
  );
  return row?.version ?? 0;
}

function assertNotNewer(databaseVersion: number, codeVersion: number): void {
  if (databaseVersion > codeVersion) throw new DatabaseTooNewError({ databaseVersion, codeVersion });
}

async function readMigrations(sources: MigrationSources): Promise<Migration[]> {
  const init = await readMigration(sources.initSqlPath, { version: FIRST_VERSION, name: 'init' });
  const later = ((await ifPresent(readdir(sources.migrationsDir))) ?? [])
    .filter((file) => file.endsWith('.sql'))
    .sort();
  const migrations = [init];
  for (const file of later) {
    const { version, name } = FILE_NAME.exec(file)?.groups ?? {};
    if (version === undefined || name === undefined) {
      throw new MigrationError(`${file} is no name for a migration: it must be like 0002-add-something.sql`);
    }
    const expected = migrations.length + FIRST_VERSION;
    if (Number(version) !== expected) throw new MigrationError(`${file} should have the number ${expected}`);
    migrations.push(await readMigration(path.join(sources.migrationsDir, file), { version: expected, name }));
  }
  return migrations;
}

async function readMigration(file: string, migration: AppliedMigration): Promise<Migration> {
  const text = await readFile(file, 'utf8');
  const body = WRAPPED.exec(text)?.groups?.['body'];
  if (body === undefined) {
    throw new MigrationError(
      `${path.basename(file)} must be one transaction, from a line "begin;" to a last line "commit;"`,
    );
  }
  return { ...migration, sql: body };
}
