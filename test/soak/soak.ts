import { inspect } from 'node:util';

import type { Session, SessionList } from '@guise/contract';

import { type Api, expectStatus } from '../acceptance/api.ts';
import { until } from '../acceptance/until.ts';
import { type Fault, FAULTS } from './faults.ts';
import { describeHistory, findSurprises } from './history.ts';
import { live } from './lifecycle.ts';
import type { LifecycleRecord } from './lifecycle-record.ts';
import { ReasonTable } from './reason-table.ts';
import type { Incident, RestartableService } from './restartable-service.ts';
import { seededRandom } from './seeded-random.ts';
import { LABEL, Subject } from './subject.ts';

const PAGE_SIZE = 200;
const QUIET_TIMEOUT_MS = 30_000;
const PROGRESS_EVERY_MS = 10_000;
/** What happens to the service itself, in turn. */
const INCIDENTS: readonly Incident[] = ['serviceKilled', 'serviceDrained', 'serviceKilled'];

interface SoakPlan {
  readonly count: number;
  readonly seed: number;
  /** Lifecycles at once. */
  readonly width: number;
  /** How often something happens to the service itself. */
  readonly incidents: number;
  readonly service: RestartableService;
  /** Of a site with a page for the sessions. */
  readonly origin: string;
  readonly print: (line: string) => void;
}

/** Many lives of sessions, some at once, with faults drawn from a seed. */
export class Soak {
  readonly #plan: SoakPlan;
  readonly #records = new Map<string, LifecycleRecord>();
  #surpriseCount = 0;
  readonly #reasons = new ReasonTable();
  #begun = 0;
  #done = 0;

  constructor(plan: SoakPlan) {
    this.#plan = plan;
  }

  /** How much has happened that should not have; each was printed. */
  get surpriseCount(): number {
    return this.#surpriseCount;
  }

  get reasons(): ReasonTable {
    return this.#reasons;
  }

  /** Lives all lives and judges every session there is then. Rejects when the service cannot go on, or `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { width, count, print } = this.#plan;
    const startedAt = performance.now();
    const progress = setInterval(() => {
      const seconds = Math.round((performance.now() - startedAt) / 1_000);
      print(`${this.#done} of ${count} after ${seconds} s, ${this.#surpriseCount} surprises`);
    }, PROGRESS_EVERY_MS);
    try {
      const workers = Array.from({ length: width }, async () => {
        while (this.#begun < count && !signal.aborted) await this.#liveOne(this.#begun++);
      });
      await Promise.all([...workers, this.#befall(signal)]);
      signal.throwIfAborted();
      await this.#judgeAll();
    } finally {
      clearInterval(progress);
    }
  }

  #surprise(what: string): void {
    this.#surpriseCount += 1;
    this.#plan.print(`SURPRISE: ${what}`);
  }

  async #liveOne(index: number): Promise<void> {
    const { seed, service, origin } = this.#plan;
    const random = seededRandom(seed, index);
    const fault = random.pickWeighted(FAULTS);
    const record = toRecord(index, fault);
    this.#records.set(record.label, record);
    const subject = new Subject({ record, random, service, origin });
    try {
      await live(subject, fault);
    } catch (error) {
      const history = subject.id === '' ? '' : await subject.events().then(describeHistory, String);
      this.#surprise(`${name(record)} ${subject.id}: ${String(error)} ${causeOf(error)}\n${history}`);
      record.hasFailed = true;
      if (subject.id !== '') await subject.end().catch(() => undefined);
    }
    record.phase = 'done';
    this.#done += 1;
  }

  /** Lets things happen to the service, evenly over the run. */
  async #befall(signal: AbortSignal): Promise<void> {
    const { incidents, count, service, print } = this.#plan;
    for (let index = 0; index < incidents; index += 1) {
      const due = Math.round(((index + 1) * count) / (incidents + 1));
      while (this.#done < due && this.#begun < count && !signal.aborted) await pause(50);
      if (signal.aborted) return;
      const incident = INCIDENTS[index % INCIDENTS.length] ?? 'serviceKilled';
      print(`${incident} after ${this.#done} lives`);
      await service.befall(incident, () => {
        for (const record of this.#records.values()) {
          if (record.phase !== 'done') record.incidents.push({ incident, phase: record.phase });
        }
      });
    }
  }

  /** Judges every session in the database: also those that nobody waited for. */
  async #judgeAll(): Promise<void> {
    const { service } = this.#plan;
    let sessions: readonly Session[] = [];
    const isQuiet = async (): Promise<boolean> => {
      sessions = await service.steadily(({ api }) => listAll(api));
      return sessions.every(({ state }) => state === 'CLOSED');
    };
    // What is live for ever is told below, one by one.
    await until('nothing is live', isQuiet, { timeoutMs: QUIET_TIMEOUT_MS, pollMs: 500 }).catch(() => undefined);
    const byLabel = Map.groupBy(sessions, ({ metadata }) => metadata[LABEL] ?? '');
    for (const [label, found] of byLabel) {
      const record = this.#records.get(label);
      if (record === undefined) this.#surprise(`${found.length} sessions are nobody's`);
      else for (const session of found) await this.#judge(record, session);
    }
    for (const record of this.#records.values()) {
      const { length } = byLabel.get(record.label) ?? [];
      if (length === 0) this.#reasons.add(record.fault, undefined);
      const isRight = length === 1 || (length === 0 && record.mayBeUnborn);
      if (!isRight) this.#surprise(`${name(record)}: ${length} sessions in place of one`);
    }
  }

  async #judge(record: LifecycleRecord, session: Session): Promise<void> {
    this.#reasons.add(record.fault, session.closeReason);
    const answer = await this.#plan.service.steadily(({ api }) =>
      api.call('GET', `/api/sessions/${session.id}/events`),
    );
    const { events } = expectStatus<{ events: Parameters<typeof findSurprises>[2] }>(answer, 200);
    const surprises = record.hasFailed ? [] : findSurprises(record, session, events);
    if (surprises.length === 0) return;
    this.#surprise(`${name(record)} ${session.id}: ${surprises.join('; ')}\n${describeHistory(events)}`);
  }
}

function toRecord(
  index: number,
  { name: fault, reasons, mayBeUnborn = false, isAdoptable = true }: Fault,
): LifecycleRecord {
  return {
    label: String(index),
    fault,
    reasons,
    mayBeUnborn,
    isAdoptable,
    phase: 'creating',
    hasFailed: false,
    incidents: [],
  };
}

function name({ label, fault, incidents }: LifecycleRecord): string {
  const around = incidents.map(({ incident, phase }) => `, ${incident} while ${phase}`);
  return `life ${label} (${fault}${around.join('')})`;
}

function causeOf(error: unknown): string {
  return error instanceof Error && error.cause !== undefined ? `(${inspect(error.cause)})` : '';
}

async function listAll(api: Api): Promise<Session[]> {
  const sessions: Session[] = [];
  for (let cursor = ''; ;) {
    const answer = await api.call('GET', `/api/sessions?limit=${PAGE_SIZE}${cursor}`);
    const page = expectStatus<SessionList>(answer, 200);
    sessions.push(...page.sessions);
    if (page.nextCursor === null) return sessions;
    cursor = `&cursor=${page.nextCursor}`;
  }
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
