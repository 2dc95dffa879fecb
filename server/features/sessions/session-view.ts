import type { Session } from '@guise/contract';

import type { LiveSession } from './live-session.ts';
import { expiresAt, type SessionRecord } from './session-record.ts';
import type { SessionTokens } from './session-tokens.ts';

/** Makes the session a client sees out of its row and, where it is live here, what this process knows better. */
export class SessionView {
  readonly #tokens: SessionTokens;

  constructor(tokens: SessionTokens) {
    this.#tokens = tokens;
  }

  /** `wsOrigin`: the address the client itself has used, such as `ws://127.0.0.1:3000`. */
  toSession(record: SessionRecord, live: LiveSession | undefined, wsOrigin: string): Session {
    const isReachable = record.state !== 'CLOSED' && record.state !== 'CLOSING' && record.cdpPort !== null;
    const address = `${wsOrigin}/api/sessions/${record.id}`;
    const lastActivityAt = live?.lastActivityAt ?? record.lastActivityAt;
    return {
      id: record.id,
      state: record.state,
      closeReason: record.closeReason,
      nodeId: record.nodeId,
      headless: record.headless,
      stealthLevel: record.stealthLevel,
      identity: record.identity,
      cdpPort: isReachable ? record.cdpPort : null,
      cdpUrl: isReachable ? `${address}/cdp?token=${this.#tokens.issue(record.id, 'drive')}` : null,
      liveUrl: isReachable ? `${address}/live` : null,
      timeoutMs: record.timeoutMs,
      maxLifetimeMs: record.maxLifetimeMs,
      expiresAt: (record.closedAt ?? expiresAt(record, lastActivityAt)).toISOString(),
      metadata: record.metadata,
      error: record.error,
      createdAt: record.createdAt.toISOString(),
      startedAt: record.startedAt?.toISOString() ?? null,
      lastActivityAt: lastActivityAt.toISOString(),
      closedAt: record.closedAt?.toISOString() ?? null,
    };
  }
}
