import { inspect, parseArgs } from 'node:util';

import { startPageServer } from '../acceptance/page-server.ts';
import { openDataDir, startServiceOn } from '../acceptance/service.ts';
import { INSPECTED, Inspector } from './inspector.ts';
import { LeakCheck, type WaveResult } from './leak-check.ts';
import { FIGURE_NAMES, heapSlope, TOLERANCES } from './verdict.ts';

const POOL_SIZE = 2;
const LENGTHS = {
  quick: { cycles: 2, isTogether: true, minutes: 5 },
  full: { cycles: 2, isTogether: false, minutes: 15 },
} as const;
const KIB = 1024;
/** Growth of the heap for each session that is no leak: two collections differ by a few hundred KiB, few sessions by much each. */
const HEAP_TOLERANCE_BYTES = { quick: 32 * KIB, full: 8 * KIB } as const;
const NAME_WIDTH = 29;
const CELL_WIDTH = 12;

function printLine(line = ''): void {
  process.stdout.write(`${line}\n`);
}

function printHeader(): void {
  printLine('Each figure as it was before the first wave / after this one.');
  const names = [...FIGURE_NAMES, 'heap KiB'].map((name) => name.padStart(CELL_WIDTH));
  printLine(`${'wave'.padEnd(NAME_WIDTH)}${'rounds'.padStart(7)}${'sessions'.padStart(9)}${names.join('')}  verdict`);
}

function printResult({ wave, rounds, sessions, before, after, heap, grown }: WaveResult): void {
  const cells = FIGURE_NAMES.map((name) => `${before[name]}/${after[name]}`.padStart(CELL_WIDTH));
  const heapCell = String(Math.round(heap.bytes / KIB)).padStart(CELL_WIDTH);
  const verdict = grown.length === 0 ? 'ok' : `GROWN: ${grown.join(', ')}`;
  const head = `${wave.padEnd(NAME_WIDTH)}${String(rounds).padStart(7)}${String(sessions).padStart(9)}`;
  printLine(`${head}${cells.join('')}${heapCell}  ${verdict}`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { quick: { type: 'boolean' } } });
  const length = values.quick === true ? 'quick' : 'full';
  const { minutes, ...plan } = LENGTHS[length];
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => stop.abort(new Error(`stopped by ${signal}`)));
  }
  const startedAt = performance.now();
  await using stack = new AsyncDisposableStack();
  const site = await startPageServer(stack);
  site.on('/', '<title>Leak check</title>');
  site.on('/hangs', () => undefined);
  const dataDir = await openDataDir(stack);
  const settings = { ...INSPECTED, WARM_POOL_SIZE: String(POOL_SIZE), HEALTH_CHECK_INTERVAL_MS: '1000' };
  const service = stack.use(await startServiceOn(dataDir, settings));
  const inspector = stack.use(await Inspector.open(service));

  const results: WaveResult[] = [];
  printHeader();
  const check = new LeakCheck({ service, api: service.api, origin: site.origin }, inspector);
  await check.run(
    plan,
    (result) => {
      results.push(result);
      printResult(result);
    },
    AbortSignal.any([stop.signal, AbortSignal.timeout(minutes * 60_000)]),
  );
  const slope = heapSlope(results.map(({ heap }) => heap));
  const tolerance = HEAP_TOLERANCE_BYTES[length];
  const isHeapSteady = slope <= tolerance;
  printLine();
  printLine(
    `heap: ${(slope / KIB).toFixed(2)} KiB more with each session (at most ${tolerance / KIB}): ${isHeapSteady ? 'ok' : 'GROWN'}`,
  );
  const tolerances = FIGURE_NAMES.filter((name) => TOLERANCES[name] > 0).map((name) => `${name} ${TOLERANCES[name]}`);
  printLine(`tolerated: ${tolerances.join(', ')}; nothing of the rest`);
  // Also checks that nothing is left of the service itself.
  await stack.disposeAsync();
  const failed = results.filter(({ grown }) => grown.length > 0).length + (isHeapSteady ? 0 : 1);
  const seconds = Math.round((performance.now() - startedAt) / 1_000);
  const sessions = results.at(-1)?.heap.sessions ?? 0;
  printLine(
    `${results.length} waves, ${sessions} sessions, ${seconds} s: ${failed === 0 ? 'no leak' : `${failed} LEAKS`}`,
  );
  if (failed > 0) process.exitCode = 1;
}

main().catch((error: unknown) => {
  printLine(`The leak check failed: ${inspect(error)}`);
  process.exitCode = 1;
});
