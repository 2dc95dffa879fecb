import type { CloseReason, SessionUsage } from '@guise/contract';

import { throwFailures } from '../../lib/settled.ts';
import type { LiveSession } from './live-session.ts';
import type { SessionEnder } from './session-ender.ts';
import type { SessionJournal } from './session-journal.ts';
import type { SessionRecycler } from './session-recycler.ts';
import type { SessionRegistry } from './session-registry.ts';

/** A session nobody has used for this long is idle. Milliseconds. */
const IDLE_AFTER_MS = 10_000;
/** Share of a limit at which its approach is told. */
const WARNING_SHARE = 0.8;
/** A session over its number of requests is recycled once nothing has been asked of it for this long. Milliseconds. */
const QUIET_MS = 1_000;
/** The same while a client is connected, which may be waiting for its page: by default drivers do so for 30 s. */
const QUIET_WITH_CLIENT_MS = 35_000;

type RecycleReason = Extract<CloseReason, 'max_requests' | 'memory_limit'>;

interface SessionLimitsDeps {
  readonly registry: SessionRegistry;
  readonly journal: SessionJournal;
  readonly ender: SessionEnder;
  readonly recycler: SessionRecycler;
}

/** Holds live sessions to their limits, and moves them between ACTIVE and IDLE. */
export class SessionLimitKeeper {
  readonly #deps: SessionLimitsDeps;
  /** What has been told of each session: the limits, with the sample by which memory was found near its own. */
  readonly #warned = new WeakMap<LiveSession, Map<RecycleReason, SessionUsage | undefined>>();

  constructor(deps: SessionLimitsDeps) {
    this.#deps = deps;
  }

  /** One look at every live session. */
  async checkAll(): Promise<void> {
    const checks = [...this.#deps.registry.live.values()].map((live) => this.#check(live));
    throwFailures(await Promise.allSettled(checks), 'Sessions could not be checked');
  }

  async #check(live: LiveSession): Promise<void> {
    if (live.isRestarting) return;
    const expired = expiredBy(live);
    if (expired !== undefined) {
      this.#deps.ender.startClosing(live, expired);
      return;
    }
    if (await this.#checkUse(live)) return;
    const { journal } = this.#deps;
    const isIdle = live.idleMs() >= Math.min(IDLE_AFTER_MS, live.limits.timeoutMs / 2);
    if (isIdle && live.state === 'ACTIVE') await journal.moveLive(live, 'rest', { reason: 'not used' });
    if (!isIdle && live.state === 'IDLE') await journal.moveLive(live, 'wake', { reason: 'used again' });
  }

  /** Warns of a limit that is near and recycles at one that is reached; whether it did the latter. */
  async #checkUse(live: LiveSession): Promise<boolean> {
    const { recycler } = this.#deps;
    const { maxRequests, memoryLimitBytes } = live.limits;
    const warned = this.#warned.get(live) ?? new Map<RecycleReason, SessionUsage | undefined>();
    this.#warned.set(live, warned);
    const used = [
      ['max_requests', recycler.requestsSinceStart(live), maxRequests],
      ['memory_limit', live.usage?.memoryBytes ?? 0, memoryLimitBytes],
    ] as const;
    for (const [limit, value, max] of used) {
      if (max === null || value < max * WARNING_SHARE) {
        warned.delete(limit);
        continue;
      }
      if (!warned.has(limit)) {
        warned.set(limit, live.usage);
        const data = { limit, value, max };
        await this.#deps.journal.note(live.id, 'limitApproached', { reason: `${limit} is near`, data });
      }
      if (value < max || !isTimeFor(limit, live, warned.get(limit))) continue;
      this.#warned.delete(live);
      recycler.recycle(live, limit);
      return true;
    }
    return false;
  }
}

/** The limit of time a session has reached by now, if any. */
function expiredBy(live: LiveSession): 'idle_timeout' | 'max_lifetime' | undefined {
  const { maxLifetimeMs, timeoutMs } = live.limits;
  if (maxLifetimeMs !== null && Date.now() - live.createdAt.getTime() >= maxLifetimeMs) return 'max_lifetime';
  return live.idleMs() >= timeoutMs ? 'idle_timeout' : undefined;
}

/**
 * Whether a session over its limit is to be recycled now: for requests, when nothing is being asked of it; for memory, when the
 * sample after the one that was warned of still says so.
 */
function isTimeFor(limit: RecycleReason, live: LiveSession, warnedBy: SessionUsage | undefined): boolean {
  if (limit === 'memory_limit') return warnedBy !== live.usage;
  return live.idleMs() >= (live.clientCount > 0 ? QUIET_WITH_CLIENT_MS : QUIET_MS);
}
