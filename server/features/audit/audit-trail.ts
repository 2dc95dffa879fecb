import { isIP } from 'node:net';

import { isUnavailable } from '../../lib/app-error.ts';
import type { Logger } from '../../platform/logger/logger.ts';
import { type Queryable, toJsonb } from '../../platform/postgres/index.ts';
import type { AuditEntry } from './audit-entry.ts';

/** Entries are collected for so long, to be written by one statement. Milliseconds. */
const COLLECT_MS = 200;
const BATCH_SIZE = 500;
/** Pause before entries are offered again to a database that did not answer. Milliseconds. */
const RETRY_MS = 1_000;
/** So many wait for a database that is away; what is more is logged in place of being written. */
const MAX_WAITING = 20_000;
/** What clients send of themselves can be long. Characters. */
const MAX_TEXT_LENGTH = 512;

interface AuditTrailDeps {
  readonly db: Queryable;
  readonly nodeId: string;
  readonly logger: Logger;
}

interface WaitingEntry {
  readonly entry: AuditEntry;
  readonly at: Date;
}

/**
 * The trail of what was done with this installation, in the append-only table `audit_logs`.
 *
 * An entry is written behind the answer it is about, together with others. While the database is away they wait. Disposing writes what waits, once; an
 * entry that the database does not take is logged, whole, so that it is not lost.
 */
export class AuditTrail implements AsyncDisposable {
  readonly #deps: AuditTrailDeps;
  #waiting: WaitingEntry[] = [];
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #isClosing = false;

  constructor(deps: AuditTrailDeps) {
    this.#deps = deps;
  }

  /** Adds an entry to the trail. Does not wait, and never throws. */
  record(entry: AuditEntry): void {
    const waiting = { entry, at: new Date() };
    if (this.#waiting.length >= MAX_WAITING) {
      this.#giveUp([waiting], new Error('Too many audit entries wait for the database'));
      return;
    }
    this.#waiting.push(waiting);
    if (this.#waiting.length === BATCH_SIZE) this.#schedule(0);
    else this.#schedule(COLLECT_MS);
  }

  /** Resolves when what was recorded before is written. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing.then(() => this.#writeAll());
    await this.#writing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true;
    await this.flush();
  }

  #schedule(delayMs: number): void {
    if (this.#isClosing || (this.#timer !== undefined && delayMs > 0)) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#writing = this.#writing.then(() => this.#writeAll());
    }, delayMs).unref();
  }

  /** Never rejects. */
  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, BATCH_SIZE);
      try {
        await this.#write(batch);
        this.#waiting.splice(0, batch.length);
      } catch (error) {
        if (isUnavailable(error) && !this.#isClosing) {
          this.#schedule(RETRY_MS);
          return;
        }
        this.#waiting.splice(0, batch.length);
        await this.#writeEach(batch);
      }
    }
  }

  /** One that is not taken must not take the others with it. */
  async #writeEach(batch: readonly WaitingEntry[]): Promise<void> {
    for (const waiting of batch) {
      try {
        await this.#write([waiting]);
      } catch (error) {
        this.#giveUp([waiting], error);
      }
    }
  }

  #giveUp(batch: readonly WaitingEntry[], error: unknown): void {
    for (const { entry } of batch) this.#deps.logger.error({ err: error, entry }, 'audit entry could not be written');
  }

  async #write(batch: readonly WaitingEntry[]): Promise<void> {
    await this.#deps.db.query(
      `insert into audit_logs
         (created_at, actor_key_id, actor_name, actor_ip, user_agent, action, resource_type, resource_id, outcome,
          status_code, request_id, node_id, details)
       select at, "keyId", name, address, "userAgent", action, "resourceType", "resourceId", outcome, status, "requestId", $2, details
       from jsonb_array_elements($1::jsonb) with ordinality as element (value, position),
         jsonb_to_record(element.value) as entry (
           at timestamptz, "keyId" uuid, name text, address inet, "userAgent" text, action text, "resourceType" text,
           "resourceId" text, outcome text, status integer, "requestId" text, details jsonb
         )
       order by position`,
      [toJsonb(batch.map(toRow)), this.#deps.nodeId],
    );
  }
}

function toText(text: string | null | undefined): string | null {
  return text?.slice(0, MAX_TEXT_LENGTH) ?? null;
}

function toRow({ entry, at }: WaitingEntry): object {
  const { actor, action, resourceType, resourceId, outcome, status, details } = entry;
  const { address, userAgent, requestId } = actor?.client ?? {};
  return {
    at,
    keyId: actor?.keyId ?? null,
    name: actor?.name ?? null,
    address: address != null && isIP(address) !== 0 ? address.replace(/%.*$/, '') : null,
    userAgent: toText(userAgent),
    requestId: toText(requestId),
    action,
    resourceType,
    resourceId: toText(resourceId),
    outcome,
    status: status ?? null,
    details,
  };
}
