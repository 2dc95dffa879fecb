import type { Actor } from '../../lib/actor.ts';
import { AppError } from '../../lib/app-error.ts';
import { WindowLimit } from '../../lib/window-limit.ts';
import type { AuditEntry } from './audit-entry.ts';

/** Refusals of one address, or of one session, that are written in a minute; the rest are counted. */
const MOST_IN_WINDOW = 60;
const WINDOW_MS = 60_000;
/** With more than so many addresses under count all counts begin anew. */
const MAX_COUNTED = 10_000;
/** What nobody did is no change, but that it was tried is worth knowing. */
const REFUSALS: ReadonlySet<string> = new Set(['UNAUTHORIZED', 'FORBIDDEN', 'QUOTA_EXCEEDED', 'EGRESS_REFUSED']);

/** Something that was asked for, and what became of it. */
interface AskedFor {
  readonly operationId: string;
  readonly actor: Actor;
  readonly status: number;
  readonly problemCode: string | null;
  readonly resourceType: string | null;
  readonly resourceId: string | null;
  readonly fields: readonly string[];
}

interface AccessAuditDeps {
  readonly record: (entry: AuditEntry) => void;
  /** Whether it is written down that an operation was done. */
  readonly isAudited: (operationId: string) => boolean;
}

/** Decides what of all that is asked for goes into the audit trail: every change, and every refusal. */
export class AccessAudit {
  readonly #deps: AccessAuditDeps;
  #limit = newLimit();
  #counted = new Set<string>();

  constructor(deps: AccessAuditDeps) {
    this.#deps = deps;
  }

  /** Notes what became of something that was asked for. Never throws. */
  note({ operationId, actor, status, problemCode, fields, ...resource }: AskedFor): void {
    const isRefusal = problemCode !== null && REFUSALS.has(problemCode);
    if (!isRefusal && !this.#deps.isAudited(operationId)) return;
    const unwritten = isRefusal ? this.#claim(actor.client.address ?? '') : 0;
    if (unwritten === undefined) return;
    this.#deps.record({
      actor,
      action: operationId === '' ? 'unknown' : operationId,
      ...resource,
      outcome: outcomeOf(status),
      status,
      details: toDetails({ code: problemCode, fields, unwritten }),
    });
  }

  /** Notes that something a session tried was refused. Never throws. */
  noteSession(
    sessionId: string,
    refused: { readonly action: string; readonly ownerKeyId: string | null; readonly details: object },
  ): void {
    const { action, ownerKeyId, details } = refused;
    const unwritten = this.#claim(`${action} ${sessionId}`);
    if (unwritten === undefined) return;
    const client = { address: null, userAgent: null, requestId: null };
    this.#deps.record({
      ...(ownerKeyId !== null && { actor: { keyId: ownerKeyId, name: null, client } }),
      action,
      resourceType: 'session',
      resourceId: sessionId,
      outcome: 'refused',
      details: { ...details, ...(unwritten > 0 && { unwritten }) },
    });
  }

  #claim(name: string): number | undefined {
    if (this.#counted.size >= MAX_COUNTED && !this.#counted.has(name)) {
      this.#limit = newLimit();
      this.#counted = new Set();
    }
    this.#counted.add(name);
    return this.#limit.claim(name);
  }
}

function newLimit(): WindowLimit {
  return new WindowLimit({ most: MOST_IN_WINDOW, windowMs: WINDOW_MS });
}

function outcomeOf(status: number): AuditEntry['outcome'] {
  if (status < 400) return 'success';
  return status < 500 ? 'refused' : 'failure';
}

/** What there is to be said, without what is not. */
function toDetails(told: {
  readonly code: string | null;
  readonly fields: readonly string[];
  readonly unwritten: number;
}): AuditEntry['details'] {
  const { code, fields, unwritten } = told;
  return {
    ...(code !== null && { code }),
    ...(fields.length > 0 && { fields }),
    ...(unwritten > 0 && { unwritten }),
  };
}

/** The code of a failure as the client is told. */
export function problemCodeOf(error: unknown): AppError['code'] {
  return error instanceof AppError ? error.code : 'INTERNAL';
}
