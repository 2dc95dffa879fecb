import type { Logger } from '../../platform/logger/logger.ts';
import type { Queryable } from '../../platform/postgres/index.ts';

/** Something somebody did, or was refused. */
export interface AuditEntry {
  /** Verb and noun as in the API's operationId, such as createSession. */
  readonly action: string;
  readonly resourceType: string;
  readonly resourceId: string;
  readonly outcome: 'success' | 'refused' | 'failure';
  /** Without anything secret. */
  readonly details: Readonly<Record<string, unknown>>;
}

/**
 * The trail of what was done with this installation, in the append-only table `audit_logs`.
 *
 * An entry is written behind the answer it is about. Disposing waits for those under way; one that the database does not take is
 * logged, whole, so that it is not lost.
 */
export class AuditTrail implements AsyncDisposable {
  readonly #db: Queryable;
  readonly #nodeId: string;
  readonly #logger: Logger;
  readonly #writing = new Set<Promise<void>>();

  constructor({ db, nodeId, logger }: { readonly db: Queryable; readonly nodeId: string; readonly logger: Logger }) {
    this.#db = db;
    this.#nodeId = nodeId;
    this.#logger = logger;
  }

  /** Adds an entry to the trail. Does not wait, and never throws. */
  record(entry: AuditEntry): void {
    const writing = this.#write(entry).finally(() => this.#writing.delete(writing));
    this.#writing.add(writing);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#writing);
  }

  async #write(entry: AuditEntry): Promise<void> {
    const { action, resourceType, resourceId, outcome, details } = entry;
    try {
      await this.#db.query(
        `insert into audit_logs (action, resource_type, resource_id, outcome, node_id, details)
         values ($1, $2, $3, $4, $5, $6::jsonb)`,
        [action, resourceType, resourceId, outcome, this.#nodeId, JSON.stringify(details)],
      );
    } catch (error) {
      this.#logger.error({ err: error, entry }, 'audit entry could not be written');
    }
  }
}
