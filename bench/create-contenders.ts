import type { CreateSession } from '@guise/contract';

import type { BenchmarkDeps } from './benchmark.ts';
import { CdpClient } from './cdp-client.ts';
import type { Contender } from './interleave.ts';
import { launchRawBrowser } from './raw-browser.ts';
import type { OpenSession } from './service-client.ts';
import { timed } from './stopwatch.ts';

/** A session to create, and the series its milliseconds go to. */
interface CreatePlan<Series extends string> {
  readonly options: CreateSession;
  /** From the request to the full answer. */
  readonly answered: Series;
  /** From the request to the first answer over CDP. */
  readonly usable: Series;
}

async function answerOnce(session: OpenSession, signal: AbortSignal): Promise<void> {
  using client = await CdpClient.open(session.cdpUrl, signal);
  await client.send('Browser.getVersion');
}

/** Creates such a session, uses it once and ends it. Each time it waits for a full warm pool and a moment of calm. */
export function creating<Series extends string>(
  { service: { client } }: BenchmarkDeps,
  { options, answered, usable }: CreatePlan<Series>,
  signal: AbortSignal,
): Contender<Series> {
  return async (samples) => {
    await client.waitForCalm(signal);
    await using session = await client.openSession(options, signal);
    const { durationMs } = await timed(() => answerOnce(session, signal));
    samples.add(answered, session.createdInMs);
    samples.add(usable, session.createdInMs + durationMs);
  };
}

/** Starts a Chromium by hand, as calmly: milliseconds from its start to its first answer over CDP. */
export function launchingRaw<Series extends string>(
  { service: { client }, raw }: BenchmarkDeps,
  series: Series,
  signal: AbortSignal,
): Contender<Series> {
  return async (samples) => {
    await client.waitForCalm(signal);
    await using browser = await launchRawBrowser(raw, signal);
    samples.add(series, browser.startedInMs);
  };
}
