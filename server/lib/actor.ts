import type { KeyQuotas, KeyRole } from '@guise/contract';

/** Where a request came from, as far as that is known. */
export interface ActorClient {
  readonly address: string | null;
  readonly userAgent: string | null;
  readonly requestId: string | null;
}

/** Who a key stands for. */
export interface KeyIdentity {
  /** null: no key was needed. */
  readonly keyId: string | null;
  readonly name: string | null;
  readonly role: KeyRole;
  /** The key to which belongs what is made; null: nobody. */
  readonly tenantId: string | null;
  /** In line for a place; higher goes first. */
  readonly priority: number;
  readonly quotas: KeyQuotas;
}

/** Who asks for something. */
export interface Actor extends KeyIdentity {
  readonly client: ActorClient;
}

/** Nothing is known of a client. */
const NO_CLIENT: ActorClient = { address: null, userAgent: null, requestId: null };

export const NO_QUOTAS: KeyQuotas = {
  maxSessions: null,
  maxCreatesPerMinute: null,
  maxRequestsPerMinute: null,
  maxTrafficBytesPerMonth: null,
};

/** Everybody, where no key is needed. */
export const KEYLESS: Actor = {
  keyId: null,
  name: null,
  role: 'admin',
  tenantId: null,
  priority: 0,
  quotas: NO_QUOTAS,
  client: NO_CLIENT,
};

/** Whose things an actor sees: those of this key; undefined: everybody's. */
export function scopeOf({ role, tenantId }: Pick<Actor, 'role' | 'tenantId'>): string | undefined {
  if (role === 'admin' || role === 'operator') return undefined;
  // Keys always have a tenant; without one nothing is anybody's.
  if (tenantId === null) throw new Error('A key of a tenant without a tenant');
  return tenantId;
}

/** Whether what belongs to `ownerKeyId` is in a scope, as `scopeOf` gives it. */
export function isInScope(scope: string | undefined, ownerKeyId: string | null): boolean {
  return scope === undefined || scope === ownerKeyId;
}
