import type { CreateSession, ProxyRotation, SessionProxy } from '@guise/contract';

import { invalidField } from '../../lib/app-error.ts';
import type { ExitPlace, ProxySelection } from '../proxies/index.ts';

/** How long a session that takes turns by the clock keeps a proxy. Milliseconds. */
const USUAL_ROTATION_MS = 600_000;

/** What is kept of a session's way out with its row. */
export interface StoredEgress extends EgressLimits {
  /** As clients are shown it; null: none. */
  readonly proxy: SessionProxy | null;
  /** The proxy given by its URL, sealed. */
  readonly sealedProxy?: string | undefined;
  readonly proxyRotation?: Extract<ProxySelection, { proxyRotation: unknown }>['proxyRotation'] | undefined;
  /** Where it leaves, if that is known. */
  readonly exit?: ExitPlace | undefined;
}

/** A session that says nothing of its way out. */
export const PLAIN_EGRESS: StoredEgress = { proxy: null };

/** The options about a session's way out that do not choose a proxy. */
export interface EgressLimits {
  readonly allowedDomains?: readonly string[] | undefined;
  readonly blockedDomains?: readonly string[] | undefined;
  readonly blockResources?: CreateSession['blockResources'] | undefined;
  /** null: none. */
  readonly trafficLimitMb?: number | null | undefined;
}

const SELECTORS = ['proxy', 'proxyId', 'proxyRotation'] as const;

/** Options that choose a proxy; null, in changes: none. */
interface Selectors {
  readonly proxy?: string | null | undefined;
  readonly proxyId?: string | null | undefined;
  readonly proxyRotation?: (Partial<ProxyRotation> & { readonly group: string }) | StoredEgress['proxyRotation'] | null;
}

/** The proxy that is asked for; undefined: none. @throws {AppError} VALIDATION_FAILED where more than one is */
export function toSelection(wishes: Selectors): ProxySelection | undefined {
  const [first, second] = SELECTORS.filter((name) => (wishes[name] ?? undefined) !== undefined);
  if (second !== undefined) throw invalidField(`/${second}`, `cannot be given beside ${first ?? ''}`);
  const { proxy, proxyId, proxyRotation } = wishes;
  if (typeof proxy === 'string') return { proxy };
  if (typeof proxyId === 'string') return { proxyId };
  if (proxyRotation === undefined || proxyRotation === null) return undefined;
  const { group, per = 'session', intervalMs = USUAL_ROTATION_MS } = proxyRotation;
  return { proxyRotation: per === 'interval' ? { group, per, intervalMs } : { group, per } };
}

/** Changes of a live session's way out: null takes something away, what is absent stays. */
export type EgressChanges = Selectors &
  Omit<EgressLimits, 'allowedDomains'> & { readonly allowedDomains?: readonly string[] | null | undefined };

/** Whether changes choose another proxy, or none. */
export function choosesProxy(changes: EgressChanges): boolean {
  return SELECTORS.some((name) => changes[name] !== undefined);
}

/** Whether changes are of the way out at all. */
export function changesEgress(changes: EgressChanges): boolean {
  return choosesProxy(changes) || LIMITS.some((name) => changes[name] !== undefined);
}

const LIMITS = ['allowedDomains', 'blockedDomains', 'blockResources', 'trafficLimitMb'] as const;

/** Limits after changes. */
export function changeLimits(limits: EgressLimits, changes: EgressChanges): EgressLimits {
  const pick = <Name extends (typeof LIMITS)[number]>(name: Name): EgressLimits[Name] => {
    const change = changes[name];
    return change === undefined ? limits[name] : ((change ?? undefined) as EgressLimits[Name]);
  };
  return {
    allowedDomains: pick('allowedDomains'),
    blockedDomains: pick('blockedDomains'),
    blockResources: pick('blockResources'),
    trafficLimitMb: pick('trafficLimitMb'),
  };
}
