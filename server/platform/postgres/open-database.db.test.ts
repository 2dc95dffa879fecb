import { describe, expect, it } from 'vitest';

import { createTestDatabase, openTestDatabase, openTestPool } from '../../testing/test-database.ts';
import { until } from '../../testing/until.ts';
import { silentLogger } from '../logger/logger.ts';
import { openDatabase } from './open-database.ts';

describe('Database', () => {
  it('gives bigint as a number where that is exact, as text where it is not', async () => {
    await using stack = new AsyncDisposableStack();
    const db = await openTestDatabase(stack);

    const rows = await db.query('select 9007199254740991::bigint as exact, 9007199254740993::bigint as large');

    expect(rows).toEqual([{ exact: 9007199254740991, large: '9007199254740993' }]);
  });

  it('keeps what a transaction did when it resolves and undoes it when it rejects', async () => {
    await using stack = new AsyncDisposableStack();
    const db = await openTestDatabase(stack);
    const insert = `insert into instance_secrets (name, secret) values ($1, '')`;

    await db.transaction((tx) => tx.query(insert, ['kept']));
    const failing = db.transaction(async (tx) => {
      await tx.query(insert, ['undone']);
      throw new Error('no');
    });

    await expect(failing).rejects.toThrow('no');
    expect(await db.query('select name from instance_secrets')).toEqual([{ name: 'kept' }]);
  });

  it('rejects a transaction in which the error of a statement was swallowed', async () => {
    await using stack = new AsyncDisposableStack();
    const db = await openTestDatabase(stack);

    const swallowing = db.transaction(async (tx) => {
      await tx.query('select 1 / 0').catch(() => undefined);
    });

    await expect(swallowing).rejects.toThrow('undone');
  });

  it('refuses the handle of a transaction that is over', async () => {
    await using stack = new AsyncDisposableStack();
    const db = await openTestDatabase(stack);

    const escaped = await db.transaction(async (tx) => ({ tx }));

    await expect(escaped.tx.query('select 1')).rejects.toThrow('over');
  });

  it('prepares a statement with values once for each connection', async () => {
    await using stack = new AsyncDisposableStack();
    const db = await openTestDatabase(stack);

    const found = await db.transaction(async (tx) => {
      for (const value of [1, 2, 3]) await tx.query('select $1::integer as value', [value]);
      return tx.query(`select generic_plans + custom_plans as runs from pg_prepared_statements`);
    });

    expect(found).toEqual([{ runs: 3 }]);
  });

  it('goes on after a statement failed, on the same connection', async () => {
    await using stack = new AsyncDisposableStack();
    const address = await createTestDatabase(stack, 'empty');
    const limits = { poolSize: 1, statementTimeoutMs: 1_000, connectTimeoutMs: 1_000 };
    const db = stack.use(await openDatabase({ ...address, ...limits }, silentLogger));
    const ownPid = 'select pg_backend_pid() as pid';
    const before = await db.query(ownPid);

    await expect(db.query('select 1 / $1::integer', [0])).rejects.toMatchObject({ code: '22012' });

    expect(await db.query(ownPid)).toEqual(before);
  });

  it.each(['begin', 'begin; select 1 / 0'])(
    'gives no connection back with the transaction of "%s" on it',
    async (sql) => {
      await using stack = new AsyncDisposableStack();
      const address = await createTestDatabase(stack, 'empty');
      const limits = { poolSize: 1, statementTimeoutMs: 1_000, connectTimeoutMs: 1_000 };
      const db = stack.use(await openDatabase({ ...address, ...limits }, silentLogger));

      await db.exec(sql).catch(() => undefined);

      await db.exec('create table seen_by_others (id integer)');
      const other = await openTestPool(stack, address);
      expect(await other.query('select id from seen_by_others')).toEqual([]);
    },
  );

  it('ends a statement that takes too long', async () => {
    await using stack = new AsyncDisposableStack();
    const address = await createTestDatabase(stack, 'empty');
    const limits = { poolSize: 1, statementTimeoutMs: 50, connectTimeoutMs: 1_000 };
    const db = stack.use(await openDatabase({ ...address, ...limits }, silentLogger));

    await expect(db.query('select pg_sleep(10)')).rejects.toMatchObject({ code: '57014' });
  });

  it('replaces connections that were cut, idle or in a transaction', async () => {
    await using stack = new AsyncDisposableStack();
    const address = await createTestDatabase(stack, 'empty');
    const db = await openTestPool(stack, address);
    const other = await openTestPool(stack, address);
    const cutOthers = `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`;

    await other.query(cutOthers);
    // What is sent in the moment before the news of the cut arrives still fails.
    await until(() => db.ping().then(() => true));
    const cut = db.transaction(async (tx) => {
      await other.query(cutOthers);
      await tx.query('select 1');
    });

    await expect(cut).rejects.toThrow();
    await until(() => db.ping().then(() => true));
  });

  it('gives up a ping when it is told to, though the pool is busy', async () => {
    await using stack = new AsyncDisposableStack();
    const address = await createTestDatabase(stack, 'empty');
    const limits = { poolSize: 1, statementTimeoutMs: 5_000, connectTimeoutMs: 5_000 };
    const db = stack.use(await openDatabase({ ...address, ...limits }, silentLogger));
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const busy = db.transaction(() => promise);

    await expect(db.ping(AbortSignal.timeout(50))).rejects.toMatchObject({ name: 'TimeoutError' });
    await expect(db.ping(AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' });

    resolve(undefined);
    await busy;
  });

  it('says that there is no server within the time it was given', async () => {
    const limits = { poolSize: 1, statementTimeoutMs: 1_000, connectTimeoutMs: 200 };

    const opening = openDatabase({ connectionString: 'postgresql://nobody@127.0.0.1:1/none', ...limits }, silentLogger);

    await expect(opening).rejects.toMatchObject({ code: 'DEPENDENCY_UNAVAILABLE', cause: { code: 'ECONNREFUSED' } });
  });
});
