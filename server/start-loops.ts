import { ProcessMeter } from './browser/index.ts';
import type { KeyParts } from './build-keys.ts';
import type { ProxyParts } from './build-proxies.ts';
import {
  MetricsRepository,
  type SessionEvents,
  SessionHealth,
  SessionRepository,
  SessionSampler,
  SessionUseRecorder,
} from './features/sessions/index.ts';
import { BackgroundLoop } from './lib/background-loop.ts';
import type { TypedEmitter } from './lib/typed-emitter.ts';
import type { Logger } from './platform/logger/logger.ts';
import type { ReportedParts } from './service-report.ts';
import type { Settings } from './settings/load-settings.ts';

const LIMIT_CHECK_INTERVAL_MS = 1_000;
/** How long those in line may not notice that memory has become free. */
const ADMISSION_CHECK_INTERVAL_MS = 1_000;
/** With what is believed of a key meanwhile, within the five seconds in which a revocation is in force. */
const KEY_CHECK_INTERVAL_MS = 2_000;
const UNOWNED_CHECK_INTERVAL_MS = 10_000;
const SAMPLE_INTERVAL_MS = 5_000;
const PROXY_NOTES_INTERVAL_MS = 10_000;
/** How often it is looked whether a proxy is due for its check. */
const PROXY_CHECK_INTERVAL_MS = 10_000;
/** What exact memory readings may take of a sampling interval: one per cent of a core. */
const SAMPLE_BUDGET_MS = SAMPLE_INTERVAL_MS / 100;
const CLEAN_UP_INTERVAL_MS = 60 * 60_000;
const LONGEST_LOOP_BACKOFF_MS = 30_000;

/** The parts that have to be looked after. */
type LoopParts = Pick<ReportedParts, 'sessions' | 'admission' | 'db'> & {
  readonly events: TypedEmitter<SessionEvents>;
  readonly keys: KeyParts;
  readonly proxies: Pick<ProxyParts, 'store'>;
};

/** Begins everything this node does again and again. The caller must dispose each. */
export function startLoops(
  { sessions, admission, events, db, proxies, keys }: LoopParts,
  settings: Settings,
  logger: Logger,
): BackgroundLoop[] {
  const { healthCheckIntervalMs: healthIntervalMs, cpuThresholdPercent } = settings;
  const health = new SessionHealth({ sessions, events, logger, intervalMs: healthIntervalMs });
  const metrics = new MetricsRepository(db);
  const meter = new ProcessMeter({ budgetMs: SAMPLE_BUDGET_MS });
  const sampler = new SessionSampler({ sessions, meter, metrics, events, cpuThresholdPercent });
  const use = new SessionUseRecorder({ sessions, rows: new SessionRepository(db, settings.nodeId) });
  const retentionDays = { sessions: settings.sessionRetentionDays, logs: settings.logRetentionDays };
  const start = (intervalMs: number, run: (signal: AbortSignal) => Promise<unknown>, failed: string): BackgroundLoop =>
    BackgroundLoop.start({
      intervalMs,
      maxBackoffMs: LONGEST_LOOP_BACKOFF_MS,
      run: async (signal) => void (await run(signal)),
      onFailure: (error, failures) => logger.error({ err: error, failures }, failed),
    });
  return [
    start(LIMIT_CHECK_INTERVAL_MS, () => sessions.checkLimits(), 'sessions could not be checked'),
    start(ADMISSION_CHECK_INTERVAL_MS, async () => admission.review(), 'waiting creates could not be checked'),
    start(healthIntervalMs, (signal) => health.checkAll(signal), 'browsers could not be checked'),
    start(SAMPLE_INTERVAL_MS, () => sampler.sampleAll(), 'sessions could not be measured'),
    start(SAMPLE_INTERVAL_MS, () => use.storeAll(), 'use of sessions could not be recorded'),
    start(
      settings.checkpointIntervalMs,
      (signal) => sessions.takeCheckpoints(signal),
      'checkpoints could not be taken',
    ),
    start(healthIntervalMs, () => sampler.record(), 'samples could not be recorded'),
    start(PROXY_NOTES_INTERVAL_MS, () => proxies.store.flush(), 'use of proxies could not be recorded'),
    start(PROXY_CHECK_INTERVAL_MS, (signal) => proxies.store.checkDue(signal), 'proxies could not be checked'),
    start(CLEAN_UP_INTERVAL_MS, (signal) => metrics.cleanUp(retentionDays, signal), 'old rows could not be deleted'),
    start(KEY_CHECK_INTERVAL_MS, () => keys.watch.check(), 'keys of connections could not be checked'),
    start(SAMPLE_INTERVAL_MS, () => keys.authenticator.storeUses(), 'use of keys could not be recorded'),
    start(SAMPLE_INTERVAL_MS, () => keys.traffic.store(), 'traffic of keys could not be recorded'),
    start(UNOWNED_CHECK_INTERVAL_MS, () => sessions.closeUnowned(), 'left sessions could not be closed'),
  ];
}
