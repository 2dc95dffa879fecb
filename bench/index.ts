import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { toError } from '../server/lib/deadline.ts';
import type { Benchmark } from './benchmark.ts';
import { measureCdp } from './cdp-benchmark.ts';
import { measureCreate } from './create-benchmark.ts';
import { measureDelete } from './delete-benchmark.ts';
import { measureDensity } from './density-benchmark.ts';
import { measureEgress } from './egress-benchmark.ts';
import { PlainEnd, toFailureText } from './failure-text.ts';
import { type GuiseService, startGuiseService } from './guise-service.ts';
import { describeHost, type HostDescription, toHeader } from './host-description.ts';
import { measureIdentity } from './identity-benchmark.ts';
import { measureMemory } from './memory-benchmark.ts';
import { measurePage } from './page-benchmark.ts';
import { printLine } from './printer.ts';
import { type Section, toRow } from './report.ts';
import { findSessionBrowser, type SessionBrowser } from './session-browser.ts';
import { toTable } from './table.ts';
import { openWorkspace } from './workspace.ts';

const RUN_TIMEOUT_MS = 20 * 60_000;
const USAGE =
  'Usage: node bench/index.ts [--json FILE] [create] [cdp] [page] [delete] [egress] [identity] [memory] [density]';

/** All benchmarks, in the order they run. */
const BENCHMARKS: ReadonlyMap<string, Benchmark> = new Map([
  ['create', measureCreate],
  ['cdp', measureCdp],
  ['page', measurePage],
  ['delete', measureDelete],
  ['egress', measureEgress],
  ['identity', measureIdentity],
  ['memory', measureMemory],
  ['density', measureDensity],
]);

/** Those that take minutes and much of the machine: only run when they are named. */
const ONLY_WHEN_NAMED: ReadonlySet<string> = new Set(['density']);

interface Choice {
  readonly names: readonly string[];
  readonly jsonFile: string | undefined;
}

function parseCommandLine(args: readonly string[]): { values: { json?: string }; positionals: string[] } {
  try {
    return parseArgs({ args: [...args], options: { json: { type: 'string' } }, allowPositionals: true });
  } catch (error) {
    throw new PlainEnd(`${toError(error).message}. ${USAGE}`, { cause: error });
  }
}

/** What the command line asks for. @throws {PlainEnd} when it asks for what there is not */
function parseChoice(args: readonly string[]): Choice {
  const { values, positionals } = parseCommandLine(args);
  const unknown = positionals.filter((name) => !BENCHMARKS.has(name));
  if (unknown.length > 0) throw new PlainEnd(`there is no benchmark called ${unknown.join(', ')}. ${USAGE}`);
  const names = [...BENCHMARKS.keys()].filter((name) =>
    positionals.length === 0 ? !ONLY_WHEN_NAMED.has(name) : positionals.includes(name),
  );
  return { names, jsonFile: values.json };
}

/** A benchmark's name with what it found. */
type Found = readonly [name: string, section: Section];

async function measureAll(names: readonly string[], signal: AbortSignal): Promise<[HostDescription, Found[]]> {
  await using workspace = await openWorkspace();
  await using service = await startGuiseService(path.join(workspace.path, 'data'), signal);
  await service.client.waitForCalm(signal);
  const host = describeHost(await service.client.readStatus(signal));
  for (const line of toHeader(host)) printLine(line);

  const { executablePath, hostFlags } = await findAnyBrowser(service, signal);
  const raw = { executablePath, hostFlags, parentDir: workspace.path };
  const found: Found[] = [];
  for (const [name, measure] of BENCHMARKS) {
    if (!names.includes(name)) continue;
    const section = await measure({ service, raw }, signal).catch((error: unknown) => {
      throw new Error(`${name} failed; the service said last:\n${service.log.join('\n')}`, { cause: error });
    });
    found.push([name, section]);
    printLine();
    for (const line of toTable(section)) printLine(line);
  }
  return [host, found];
}

/** A session's browser says which Chromium the service runs, and how it must be run here. */
async function findAnyBrowser({ client }: GuiseService, signal: AbortSignal): Promise<SessionBrowser> {
  await using session = await client.openSession({}, signal);
  return await findSessionBrowser(session.cdpUrl, signal);
}

function toJson(host: HostDescription, found: readonly Found[]): string {
  const sections = found.map(([name, { title, measurements, notes }]) => ({
    name,
    title,
    notes,
    rows: measurements.map((each) => ({ ...toRow(each), samples: each.samples })),
  }));
  return `${JSON.stringify({ host, sections }, undefined, 2)}\n`;
}

async function main(): Promise<void> {
  const { names, jsonFile } = parseChoice(process.argv.slice(2));
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => stop.abort(new PlainEnd(`stopped by ${signal}; nothing was left behind`)));
  }
  const startedAt = performance.now();
  const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(RUN_TIMEOUT_MS)]);
  const [host, found] = await measureAll(names, signal).catch((error: unknown) => {
    // Whatever broke off because we were stopped is no news, unless the clean-up failed as well.
    throw stop.signal.aborted && !(error instanceof SuppressedError) ? toError(stop.signal.reason) : toError(error);
  });
  if (jsonFile !== undefined) await writeFile(jsonFile, toJson(host, found));
  printLine();
  printLine(`Done in ${Math.round((performance.now() - startedAt) / 1_000)} s; nothing was left behind.`);
}

main().catch((error: unknown) => {
  printLine(`The benchmark failed: ${toFailureText(error)}`);
  process.exitCode = 1;
});
