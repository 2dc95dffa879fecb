import type { AuditTrail } from './features/audit/index.ts';
import type { SessionEvents } from './features/sessions/index.ts';
import type { TypedEmitter } from './lib/typed-emitter.ts';

/** Keeps a trail of every browser that was given to somebody: what it claimed to be, and how it came to be. */
export function auditCreates(events: TypedEmitter<SessionEvents>, trail: AuditTrail): void {
  events.on('created', ({ sessionId, outcome, stealthLevel, identity }) => {
    const { os = null, seed = null } = identity?.fingerprint ?? {};
    trail.record({
      action: 'createSession',
      resourceType: 'session',
      resourceId: sessionId,
      outcome: outcome === 'failed' ? 'failure' : 'success',
      details: { start: outcome, stealthLevel, userAgent: identity?.userAgent ?? null, os, seed },
    });
  });
}
