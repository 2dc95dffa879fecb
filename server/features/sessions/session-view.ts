import type { Session } from '@guise/contract';

import type { LiveSession } from './live-session.ts';
import { exitFindings } from '../identity/index.ts';
import type { StoredEgress } from './egress-options.ts';
import { expiresAt, type SessionRecord } from './session-record.ts';
import type { SessionTokens } from './session-tokens.ts';

const BYTES_PER_MB = 1024 ** 2;
/** See the flags that every browser is launched with. */
const APPLIED_WEBRTC_POLICY = 'disable_non_proxied_udp';
const NO_ADDRESSES = { cdpPort: null, cdpUrl: null, liveUrl: null };

/** Makes the session a client sees out of its row and, where it is live here, what this process knows better. */
export class SessionView {
  readonly #tokens: SessionTokens;

  constructor(tokens: SessionTokens) {
    this.#tokens = tokens;
  }

  /**
   * `origin`: the address the client itself has used, such as `ws://127.0.0.1:3000`. Who may not drive it is not told where it can be driven.
   */
  toSession(
    record: SessionRecord,
    live: LiveSession | undefined,
    { origin, mayDrive }: { readonly origin: string; readonly mayDrive: boolean },
  ): Session {
    const lastActivityAt = live?.lastActivityAt ?? record.lastActivityAt;
    return {
      id: record.id,
      state: record.state,
      closeReason: record.closeReason,
      nodeId: record.nodeId,
      profileId: record.profileId,
      persist: record.persist !== 'nothing',
      checkpoint: record.checkpoint,
      headless: record.headless,
      stealthLevel: record.stealthLevel,
      identity: record.identity,
      ...(mayDrive ? this.#addresses(record, origin) : NO_ADDRESSES),
      timeoutMs: record.timeoutMs,
      maxLifetimeMs: record.maxLifetimeMs,
      maxRequests: record.maxRequests,
      memoryLimitMb: record.memoryLimitBytes === null ? null : Math.round(record.memoryLimitBytes / BYTES_PER_MB),
      recycle: record.recycle,
      ...wayOutOf(record, live),
      ...useOf(record, live),
      expiresAt: (record.closedAt ?? expiresAt(record, lastActivityAt)).toISOString(),
      metadata: record.metadata,
      error: record.error,
      createdAt: record.createdAt.toISOString(),
      startedAt: toMoment(record.startedAt),
      lastActivityAt: lastActivityAt.toISOString(),
      closedAt: toMoment(record.closedAt),
    };
  }

  #addresses({ id, state, cdpPort }: SessionRecord, wsOrigin: string): Pick<Session, 'cdpPort' | 'cdpUrl' | 'liveUrl'> {
    const isReachable = state !== 'CLOSED' && state !== 'CLOSING' && cdpPort !== null;
    if (!isReachable) return NO_ADDRESSES;
    const address = `${wsOrigin}/api/sessions/${id}`;
    return { cdpPort, cdpUrl: `${address}/cdp?token=${this.#tokens.issue(id, 'drive')}`, liveUrl: `${address}/live` };
  }
}

function useOf(
  { requestCount }: SessionRecord,
  live: LiveSession | undefined,
): Pick<Session, 'requestCount' | 'clients' | 'usage'> {
  if (live === undefined) return { requestCount, clients: 0, usage: null };
  return { requestCount: live.requestCount, clients: live.clientCount, usage: live.usage ?? null };
}

function wayOutOf(
  { egress, identity }: SessionRecord,
  live: LiveSession | undefined,
): Pick<Session, 'proxy' | 'traffic' | 'trafficLimitMb' | 'warnings'> {
  const { proxy, trafficLimitMb = null, exit } = live?.egress.stored ?? egress;
  const warnings = [...findMismatches(identity, exit), ...findUnapplied(identity)];
  return { proxy, trafficLimitMb, traffic: live?.egress.traffic ?? null, warnings };
}

/** Where what the browser claims does not fit to where it leaves. */
function findMismatches(identity: Session['identity'], exit: StoredEgress['exit']): Session['warnings'] {
  if (identity?.timezone == null || identity.locale === null || exit === undefined) return [];
  const { timezone, locale } = identity;
  const facts = { country: exit.country ?? undefined, timezone: exit.timezone ?? undefined };
  return exitFindings({ timezone, locale }, facts).map(({ path, message }) => ({ path, message }));
}

/** What of a fingerprint is not in force, as it would lead past egress. */
function findUnapplied(identity: Session['identity']): Session['warnings'] {
  const policy = identity?.fingerprint?.webrtcPolicy ?? APPLIED_WEBRTC_POLICY;
  if (policy === APPLIED_WEBRTC_POLICY) return [];
  const message = `is ${policy} and not applied: sessions have ${APPLIED_WEBRTC_POLICY}, as no UDP leaves them`;
  return [{ path: '/webrtcPolicy', message }];
}

function toMoment(date: Date | null): string | null {
  return date === null ? null : date.toISOString();
}
