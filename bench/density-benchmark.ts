import { setTimeout as sleep } from 'node:timers/promises';

import type { BenchmarkDeps } from './benchmark.ts';
import { measureBrowser, type PlacedBrowser } from './browser-memory.ts';
import { readCpuMs, readMemory } from './process-facts.ts';
import { printLine } from './printer.ts';
import type { Measurement, Section } from './report.ts';
import { openSampleSite } from './sample-site.ts';
import type { OpenSession } from './service-client.ts';
import { findSessionBrowser } from './session-browser.ts';

/** How many sessions to measure at. */
const LEVELS = [1, 25, 50, 100] as const;
/** Sessions being made at once. */
const AT_ONCE = 2;
/** What browsers still do for themselves after their page has loaded. Milliseconds. */
const SETTLE_MS = 10_000;
/** How long the service is watched while nobody asks it anything. Milliseconds. */
const WATCH_MS = 15_000;
const EXECUTIONS = 100;
const MIB = 1024 ** 2;

/** A session with what the operating system knows of its browser. */
interface DenseSession extends PlacedBrowser {
  readonly session: OpenSession;
}

/** What was found with so many sessions. */
interface LevelResult {
  readonly sessions: number;
  readonly memoryMib: readonly number[];
  readonly reportedMib: readonly number[];
  readonly serviceMib: number;
  readonly serviceCpuPercent: number;
  readonly executeMs: readonly number[];
}

/** Share of one core, in percent, that a process takes while nobody asks it anything. */
async function watchCpu(pid: number, signal: AbortSignal): Promise<number> {
  const [startedAt, before] = [performance.now(), await readCpuMs(pid)];
  await sleep(WATCH_MS, undefined, { signal });
  return (((await readCpuMs(pid)) - before) / (performance.now() - startedAt)) * 100;
}

/** Many live sessions, each with a loaded page: what they take, and how the service bears them. */
export async function measureDensity({ service }: BenchmarkDeps, signal: AbortSignal): Promise<Section> {
  await using stack = new AsyncDisposableStack();
  const site = stack.use(await openSampleSite());
  const sessions: DenseSession[] = [];
  const results: LevelResult[] = [];

  const addOne = async (): Promise<void> => {
    const session = stack.use(await service.client.openSession({}, signal));
    await service.client.navigate(session.id, site.pageUrl(session.id), signal);
    sessions.push({ session, ...(await findSessionBrowser(session.cdpUrl, signal)) });
  };
  const executeSome = async (): Promise<number[]> => {
    const durations: number[] = [];
    for (let count = 0; count < EXECUTIONS; count += 1) {
      const chosen = sessions[(count * 7) % sessions.length];
      if (chosen !== undefined) durations.push(await service.client.execute(chosen.session.id, '6 * 7', signal));
    }
    return durations;
  };

  for (const level of LEVELS) {
    while (sessions.length < level) {
      const missing = Math.min(AT_ONCE, level - sessions.length);
      await Promise.all(Array.from({ length: missing }, addOne));
    }
    await sleep(SETTLE_MS, undefined, { signal });
    const serviceCpuPercent = await watchCpu(service.pid, signal);
    const executeMs = await executeSome();
    const memoryMib: number[] = [];
    const reportedMib: number[] = [];
    for (const each of sessions) {
      memoryMib.push(await measureBrowser(each));
      reportedMib.push(((await service.client.readSession(each.session.id, signal)).usage?.memoryBytes ?? 0) / MIB);
    }
    const serviceMib = (await readMemory([service.pid])).proportionalBytes / MIB;
    results.push({ sessions: level, memoryMib, reportedMib, serviceMib, serviceCpuPercent, executeMs });
    printLine(`${level} sessions are up and measured`);
  }
  return toSection(results);
}

function toSection(results: readonly LevelResult[]): Section {
  const [first] = results;
  const rows = results.flatMap((each): Measurement[] => [
    { what: `${each.sessions} sessions: memory of each, PSS`, unit: 'MiB', samples: each.memoryMib },
    {
      what: `${each.sessions} sessions: the same, as the service reports it`,
      unit: 'MiB',
      samples: each.reportedMib,
      floor: each.memoryMib,
    },
    { what: `${each.sessions} sessions: service process, PSS`, unit: 'MiB', samples: [each.serviceMib] },
    {
      what: `${each.sessions} sessions: service process, share of one core while idle`,
      unit: '%',
      samples: [each.serviceCpuPercent],
    },
    {
      what: `${each.sessions} sessions: execute over REST`,
      unit: 'ms',
      samples: each.executeMs,
      ...(first !== undefined && first !== each && { floor: first.executeMs }),
    },
  ]);
  return {
    title: 'Density',
    measurements: rows,
    notes: [
      'Each session has loaded a small page. The ratio of an execution is to that with one session; that of the reported memory to',
      'what the kernel says at the end. The share of a core includes measuring every session, health checks and the pool.',
    ],
  };
}
