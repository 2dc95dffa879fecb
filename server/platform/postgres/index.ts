export type { Database, Queryable } from './database.ts';
export { startEmbeddedPostgres } from './embedded-postgres.ts';
export { loadInstanceSecret } from './instance-secret.ts';
export { migrate } from './migrate.ts';
export { openDatabase } from './open-database.ts';
