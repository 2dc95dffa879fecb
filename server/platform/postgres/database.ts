/** What the repositories need from PostgreSQL, and all they may use. */
export interface Queryable {
  /** Runs one statement. A row's bigint columns are numbers (text beyond 2^53), its timestamps are `Date`s. */
  query<Row>(sql: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Runs several statements at once; takes no parameters, so never give it anything a user wrote. */
  exec(sql: string): Promise<void>;
}

/**
 * A pool of connections to one database.
 *
 * Inside a transaction use `tx` for everything: the outer handle is another connection, which sees nothing of it and may
 * wait for it. Disposing waits for the statements under way, closes the connections and may be done twice.
 */
export interface Database extends Queryable, AsyncDisposable {
  /** Commits what `run` did when it resolves, undoes it when it rejects. `tx` is of no use afterwards. */
  transaction<Result>(run: (tx: Queryable) => Promise<Result>): Promise<Result>;
  /** Resolves when the database has answered; rejects with the reason when it does not or `signal` aborts. */
  ping(signal?: AbortSignal): Promise<void>;
}
