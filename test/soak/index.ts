import { parseArgs } from 'node:util';

import { startPageServer } from '../acceptance/page-server.ts';
import { openDataDir, startServiceOn } from '../acceptance/service.ts';
import { RestartableService } from './restartable-service.ts';
import { Soak } from './soak.ts';

const DEFAULT_COUNT = 1_000;
const DEFAULT_MINUTES = 25;
const DEFAULT_WIDTH = 12;
/** One incident of the service itself for so many lives, and two at least. */
const LIVES_PER_INCIDENT = 150;
const USAGE = 'Usage: npm run soak -- [LIVES] [--seed N] [--width N] [--incidents N] [--minutes N]';

function printLine(line = ''): void {
  process.stdout.write(`${line}\n`);
}

/** A whole number of the command line. @throws when it is none */
function toNumber(text: string | undefined, fallback: number): number {
  const value = text === undefined ? fallback : Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`${text ?? ''} is no number. ${USAGE}`);
  return value;
}

function parseChoice(): Readonly<Record<'count' | 'seed' | 'width' | 'incidents' | 'minutes', number>> {
  const text = { type: 'string' } as const;
  const options = { seed: text, width: text, incidents: text, minutes: text };
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const count = toNumber(positionals[0], DEFAULT_COUNT);
  return {
    count,
    seed: toNumber(values.seed, Date.now() % 1_000_000),
    width: toNumber(values.width, DEFAULT_WIDTH),
    incidents: toNumber(values.incidents, Math.max(2, Math.round(count / LIVES_PER_INCIDENT))),
    minutes: toNumber(values.minutes, DEFAULT_MINUTES),
  };
}

async function main(): Promise<void> {
  const { count, seed, width, incidents, minutes } = parseChoice();
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => stop.abort(new Error(`stopped by ${signal}`)));
  }
  const startedAt = performance.now();
  printLine(`${count} lives, ${width} at once, seed ${seed}, ${incidents} incidents of the service`);

  await using stack = new AsyncDisposableStack();
  const site = await startPageServer(stack);
  site.on('/', '<title>Soak</title><p>A page');
  const dataDir = await openDataDir(stack);
  const settings = {
    WARM_POOL_SIZE: '4',
    MAX_SESSIONS: String(width + 4),
    HEALTH_CHECK_INTERVAL_MS: '3000',
    DRAIN_TIMEOUT_MS: '3000',
  };
  const service = await RestartableService.start(() => startServiceOn(dataDir, settings));
  // Disposed in any case; it checks that no process and no folder is left, and that no error was logged.
  stack.use(service);
  const soak = new Soak({ count, seed, width, incidents, service, origin: site.origin, print: printLine });
  await soak.run(AbortSignal.any([stop.signal, AbortSignal.timeout(minutes * 60_000)]));

  printLine();
  for (const line of soak.reasons.toLines()) printLine(line);
  await stack.disposeAsync();
  const seconds = Math.round((performance.now() - startedAt) / 1_000);
  printLine(`\n${soak.reasons.total} lives in ${seconds} s, ${soak.surpriseCount} surprises; nothing was left behind.`);
  if (soak.surpriseCount > 0) process.exitCode = 1;
}

main().catch((error: unknown) => {
  printLine(`The soak failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  process.exitCode = 1;
});
