import type { Registry } from 'prom-client';

import { type BrowserHost, launchBrowser, launchFilledBrowser } from './browser/index.ts';
import { Admission, MemoryBudget, type PoolEvents, WarmPool } from './features/pool/index.ts';
import { type Identities, usualKind } from './features/sessions/index.ts';
import { launchLimit } from './find-browser-host.ts';
import { TypedEmitter } from './lib/typed-emitter.ts';
import { HostMemory } from './platform/host-memory.ts';
import type { Logger } from './platform/logger/logger.ts';
import { PoolMetrics } from './platform/metrics/pool-metrics.ts';
import type { Settings } from './settings/load-settings.ts';

const MIB = 1_024 ** 2;

/** What decides who gets a browser, and when. */
export interface PoolParts {
  readonly memory: MemoryBudget;
  readonly pool: WarmPool;
  readonly admission: Admission;
  readonly poolEvents: TypedEmitter<PoolEvents>;
}

/** Puts the warm pool, the admission and the memory they share together. The pool is added to `stack`, and not started. */
export function buildPool(
  settings: Settings,
  { host, identities }: { readonly host: BrowserHost; readonly identities: Identities },
  { stack, logger }: { readonly stack: AsyncDisposableStack; readonly logger: Logger },
): PoolParts {
  const { maxSessions: limit, queueLimit, queueTimeoutMs, warmPoolSize: size, warmPoolMaxAgeMs: maxAgeMs } = settings;
  const poolEvents = new TypedEmitter<PoolEvents>((error, event) =>
    logger.error({ err: error, event }, 'listener failed'),
  );
  const hostMemory = new HostMemory();
  const memory: MemoryBudget = new MemoryBudget({
    availableBytes: () => hostMemory.availableBytes,
    reserveBytes: settings.memoryReserveMb * MIB,
    warmBrowsers: () => pool.readyCount,
  });
  const pool: WarmPool = stack.use(
    new WarmPool({
      size,
      usual: usualKind(identities),
      canRun: ({ headless }) => headless || host.xvfbPath !== undefined,
      maxAgeMs,
      launch: (spec, signal, fill) =>
        fill === undefined ? launchBrowser(spec, host, signal) : launchFilledBrowser(spec, { host, fill }, signal),
      launchLimit: launchLimit(),
      memory,
      events: poolEvents,
      logger,
    }),
  );
  const admission = new Admission({ limit, queueLimit, queueTimeoutMs, memory });
  return { memory, pool, admission, poolEvents };
}

/** Adds the metrics of these parts to a registry. */
export function measurePool(
  { pool, memory, poolEvents }: Pick<PoolParts, 'pool' | 'memory' | 'poolEvents'>,
  registry: Registry,
): void {
  const metrics = new PoolMetrics(registry, {
    classes: () => pool.reportClasses(),
    hitRate: () => pool.hitRate,
    launchesWaiting: () => pool.launches.waiting,
    availableMemoryBytes: () => memory.availableBytes,
  });
  poolEvents.on('claimed', ({ outcome, kind }) => metrics.recordClaim(outcome, kind));
  poolEvents.on('ended', ({ reason }) => metrics.recordEnd(reason));
}
