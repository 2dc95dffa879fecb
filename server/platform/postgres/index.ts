export type { Database, Queryable } from './database.ts';
export { EmbeddedPostgresMissingError } from './embedded/postgres-binaries.ts';
export { DataDirectoryInUseError } from './embedded/leftover-postmaster.ts';
export { startEmbeddedPostgres } from './embedded-postgres.ts';
export { loadInstanceSecret } from './instance-secret.ts';
export { DatabaseTooNewError, migrate, MigrationError } from './migrate.ts';
export { openDatabase } from './open-database.ts';
export { toJsonb } from './to-jsonb.ts';
