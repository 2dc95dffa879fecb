import type { SessionUsage } from '@guise/contract';

import type { ProcessMeter, ProcessUsage } from '../../browser/index.ts';
import type { TypedEmitter } from '../../lib/typed-emitter.ts';
import type { LiveSession } from './live-session.ts';
import type { MetricsRepository } from './metrics-repository.ts';
import type { SessionEvents } from './session-events.ts';
import type { SessionService } from './session-service.ts';

interface SessionSamplerDeps {
  readonly sessions: Pick<SessionService, 'live' | 'note'>;
  readonly meter: Pick<ProcessMeter, 'measure' | 'measureExactly'>;
  readonly metrics: Pick<MetricsRepository, 'addSamples'>;
  readonly events: TypedEmitter<SessionEvents>;
  /** Share of one core, in percent, that is told of when a session keeps above it for a minute; undefined: never. */
  readonly cpuThresholdPercent: number | undefined;
}

/** Share of its limit of memory from which a session is measured exactly: what follows must not rest on an estimate. */
const NEAR_LIMIT_SHARE = 0.7;
/** How long a session must keep above the processor threshold to be told of. Milliseconds. */
const BUSY_FOR_MS = 60_000;

/** What is remembered of a session from sample to sample. */
interface Past {
  readonly usage: SessionUsage;
  readonly sampledAtMs: number;
  /** When it was first found above the processor threshold, and whether that was told. */
  busySinceMs?: number | undefined;
  isBusyTold?: boolean;
}

/** Measures what live sessions use: often, for limits and those who watch, and now and then for the record. */
export class SessionSampler {
  readonly #deps: SessionSamplerDeps;
  readonly #past = new WeakMap<LiveSession, Past>();

  constructor(deps: SessionSamplerDeps) {
    this.#deps = deps;
  }

  /** Measures every live session once. */
  async sampleAll(): Promise<void> {
    const { sessions, meter } = this.#deps;
    const measured = sessions.live.filter((live) => !live.isRestarting);
    const browsers = measured.map(({ browser }) => browser);
    const usages = await meter.measure(browsers.map(({ processes }) => processes));
    for (const [index, live] of measured.entries()) {
      const usage = usages[index];
      // A browser that was replaced or ended meanwhile is none of the session's.
      if (usage === undefined || live.browser !== browsers[index] || usage.processCount === 0) continue;
      await this.#take(live, isNearLimit(live, usage) ? await meter.measureExactly(live.browser.processes) : usage);
    }
  }

  /** Writes the newest sample of every live session, all in one statement. */
  async record(): Promise<void> {
    await this.#deps.metrics.addSamples(this.#deps.sessions.live.filter(({ usage }) => usage !== undefined));
  }

  async #take(live: LiveSession, measured: ProcessUsage): Promise<void> {
    const now = Date.now();
    const past = this.#past.get(live);
    // The first sample of a browser has nothing to be held against: it may have lived long before it was the session's.
    const spentMs = past === undefined ? 0 : Math.max(0, measured.cpuMs - past.usage.cpuMs);
    const elapsedMs = past === undefined ? 1 : Math.max(1, now - past.sampledAtMs);
    const usage: SessionUsage = {
      ...measured,
      cpuPercent: Math.round((spentMs / elapsedMs) * 1_000) / 10,
      pageCount: live.browser.pageCount,
      sampledAt: new Date(now).toISOString(),
    };
    live.usage = usage;
    const next: Past = {
      usage,
      sampledAtMs: now,
      busySinceMs: past?.busySinceMs,
      isBusyTold: past?.isBusyTold ?? false,
    };
    this.#past.set(live, next);
    this.#deps.events.emit('usageSampled', { sessionId: live.id, ownerKeyId: live.ownerKeyId, usage });
    await this.#watchProcessor(live, next);
  }

  /** Tells, once an episode, of a session that keeps the processor busier than it should. It is not ended: busy is no fault. */
  async #watchProcessor(live: LiveSession, past: Past): Promise<void> {
    const { cpuThresholdPercent: max } = this.#deps;
    if (max === undefined) return;
    const { cpuPercent: value } = past.usage;
    if (value < max) {
      past.busySinceMs = undefined;
      past.isBusyTold = false;
      return;
    }
    past.busySinceMs ??= past.sampledAtMs;
    if (past.isBusyTold === true || past.sampledAtMs - past.busySinceMs < BUSY_FOR_MS) return;
    past.isBusyTold = true;
    const data = { limit: 'cpu', value, max };
    await this.#deps.sessions.note(live.id, 'limitApproached', { reason: 'busy for a minute', data });
  }
}

function isNearLimit({ limits }: LiveSession, { memoryBytes }: ProcessUsage): boolean {
  return limits.memoryLimitBytes !== null && memoryBytes >= limits.memoryLimitBytes * NEAR_LIMIT_SHARE;
}
