import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { describe, expect, it } from 'vitest';

import { MIGRATIONS } from '../../testing/migrations.ts';
import { createTestDatabase, openTestDatabase, openTestPool } from '../../testing/test-database.ts';
import { openTestDirectory } from '../../testing/test-directory.ts';
import type { Database } from './database.ts';
import { DatabaseTooNewError, migrate, MigrationError, type MigrationSources } from './migrate.ts';

describe('migrate', () => {
  it('makes the whole schema in an empty database and says so', async () => {
    await using stack = new AsyncDisposableStack();
    const db = await openTestPool(stack, await createTestDatabase(stack, 'empty'));

    const report = await migrate(db, MIGRATIONS);

    expect(report.applied[0]).toEqual({ version: 1, name: 'init' });
    expect(report.version).toBe(report.applied.at(-1)?.version);
    expect(await listTables(db)).toEqual(expect.arrayContaining(['profiles', 'sessions', 'schema_migrations']));
  });

  it('does nothing the second time', async () => {
    await using stack = new AsyncDisposableStack();
    const db = await openTestDatabase(stack);

    expect((await migrate(db, MIGRATIONS)).applied).toEqual([]);
  });

  it('lets any number of processes start at once and applies each migration once', async () => {
    await using stack = new AsyncDisposableStack();
    const address = await createTestDatabase(stack, 'empty');
    const sources = await writeMigrations(stack, { '0002-add-colour.sql': addColour(2) });
    const pools = await Promise.all(Array.from({ length: 5 }, () => openTestPool(stack, address)));

    const reports = await Promise.all(pools.map((pool) => migrate(pool, sources)));

    const applied = reports.flatMap((report) => report.applied.map(({ version }) => version));
    expect(applied.sort()).toEqual([1, 2]);
    expect(new Set(reports.map(({ version }) => version))).toEqual(new Set([2]));
  });

  it('applies only what is newer than the database', async () => {
    await using stack = new AsyncDisposableStack();
    const db = await openFirstVersion(stack);
    const sources = await writeMigrations(stack, { '0002-add-colour.sql': addColour(2) });

    const report = await migrate(db, sources);

    expect(report).toEqual({ applied: [{ version: 2, name: 'add-colour' }], version: 2 });
    expect(await db.query('select colour from profiles')).toEqual([]);
  });

  it('refuses a database newer than the code and leaves it alone', async () => {
    await using stack = new AsyncDisposableStack();
    const db = await openTestDatabase(stack);
    await db.exec(`insert into schema_migrations (version, name) values (9999, 'from-the-future')`);

    const refused = migrate(db, MIGRATIONS);

    await expect(refused).rejects.toBeInstanceOf(DatabaseTooNewError);
    await expect(refused).rejects.toMatchObject({ databaseVersion: 9999 });
  });

  it('undoes all of a migration that fails half-way', async () => {
    await using stack = new AsyncDisposableStack();
    const db = await openFirstVersion(stack);
    const sources = await writeMigrations(stack, {
      '0002-broken.sql': 'begin;\ncreate table half_way (id integer);\nselect 1 / 0;\ncommit;\n',
    });

    await expect(migrate(db, sources)).rejects.toBeInstanceOf(MigrationError);

    expect(await listTables(db)).not.toContain('half_way');
    expect((await migrate(db, MIGRATIONS)).version).toBeGreaterThan(1);
  });

  it('undoes a migration that does not record itself', async () => {
    await using stack = new AsyncDisposableStack();
    const db = await openFirstVersion(stack);
    const sources = await writeMigrations(stack, {
      '0002-forgetful.sql': 'begin;\ncreate table forgotten (id integer);\ncommit;\n',
    });

    await expect(migrate(db, sources)).rejects.toThrow('does not record itself');

    expect(await listTables(db)).not.toContain('forgotten');
  });

  it.each([
    ['a gap in the numbers', { '0003-later.sql': addColour(3) }],
    ['a file that is not one transaction', { '0002-bare.sql': 'alter table profiles add column colour text;' }],
    ['statements after the commit', { '0002-tail.sql': `${addColour(2)}drop table profiles;\n` }],
    ['a name without a number', { 'colour.sql': addColour(2) }],
  ])('refuses %s before it touches the database', async (_what, files) => {
    await using stack = new AsyncDisposableStack();
    const db = await openTestPool(stack, await createTestDatabase(stack, 'empty'));

    await expect(migrate(db, await writeMigrations(stack, files))).rejects.toBeInstanceOf(MigrationError);

    expect(await listTables(db)).toEqual([]);
  });

  it('loads sample data only where it is asked to', async () => {
    await using stack = new AsyncDisposableStack();
    const [withSamples, without] = await Promise.all([
      createTestDatabase(stack, 'empty').then((address) => openTestPool(stack, address)),
      createTestDatabase(stack, 'empty').then((address) => openTestPool(stack, address)),
    ]);

    await migrate(withSamples, MIGRATIONS, { sampleData: 'load' });
    await migrate(without, MIGRATIONS);

    const proxies = 'select country, is_active from proxies order by country';
    expect(await withSamples.query(proxies)).toEqual([
      { country: 'DE', is_active: false },
      { country: 'GB', is_active: false },
      { country: 'US', is_active: false },
    ]);
    expect(await without.query(proxies)).toEqual([]);
    expect(await without.query('select name from profiles')).toEqual([]);
  });

  it('does not load sample data into a database that is there already', async () => {
    await using stack = new AsyncDisposableStack();
    const db = await openTestDatabase(stack);

    await migrate(db, MIGRATIONS, { sampleData: 'load' });

    expect(await db.query('select name from profiles')).toEqual([]);
  });
});

/** A database as the very first version of the schema made it. */
async function openFirstVersion(stack: AsyncDisposableStack): Promise<Database> {
  const db = await openTestPool(stack, await createTestDatabase(stack, 'empty'));
  await migrate(db, await writeMigrations(stack, {}));
  return db;
}

function addColour(version: number): string {
  return `begin;
alter table profiles add column colour text;
insert into schema_migrations (version, name) values (${version}, 'add-colour');
commit;
`;
}

/** The product's first migration, and these after it. */
async function writeMigrations(stack: AsyncDisposableStack, files: Record<string, string>): Promise<MigrationSources> {
  const directory = await openTestDirectory(stack);
  const sources = { initSqlPath: path.join(directory, 'init.sql'), migrationsDir: path.join(directory, 'migrations') };
  await writeFile(sources.initSqlPath, await readFile(MIGRATIONS.initSqlPath));
  await mkdir(sources.migrationsDir);
  for (const [name, sql] of Object.entries(files)) await writeFile(path.join(sources.migrationsDir, name), sql);
  return sources;
}

async function listTables(db: Database): Promise<string[]> {
  const rows = await db.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public' order by tablename`,
  );
  return rows.map(({ name }) => name);
}
