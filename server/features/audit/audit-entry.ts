import type { Actor } from '../../lib/actor.ts';

/** Something somebody did, or was refused. */
export interface AuditEntry {
  /** Who did it; absent: the service itself. */
  readonly actor?: Pick<Actor, 'keyId' | 'name' | 'client'> | undefined;
  /** Verb and noun as in the API's operationId, such as createSession. */
  readonly action: string;
  readonly resourceType: string | null;
  readonly resourceId: string | null;
  readonly outcome: 'success' | 'refused' | 'failure';
  /** HTTP status of the answer. */
  readonly status?: number | undefined;
  /** Without anything secret. */
  readonly details: Readonly<Record<string, unknown>>;
}
