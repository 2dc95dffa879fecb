import path from 'node:path';

import type { MigrationSources } from '../platform/postgres/migrate.ts';

/** The product's own migrations. */
export const MIGRATIONS: MigrationSources = {
  initSqlPath: path.join(import.meta.dirname, '../../cloud/config/init.sql'),
  migrationsDir: path.join(import.meta.dirname, '../../cloud/config/migrations'),
};
