import type { CloseReason, CreateSession, Session } from '@guise/contract';

import { until } from '../acceptance/until.ts';
import { CANCEL_AFTER_MS, cancelCreate } from '../faults/cancelled-create.ts';
import { connectAddress } from '../faults/connect-address.ts';
import { vanishByReset, vanishInHandshake, vanishWithoutReading } from '../faults/vanishing-client.ts';
import { LABEL, type Subject } from './subject.ts';

/** How long the client of a session made by connecting may leave unused what nobody else knows of. Milliseconds. */
const UNKNOWN_TIMEOUT_MS = 5_000;
const RESTART_TIMEOUT_MS = 60_000;
/** Requests after which a session with a limit of them is recycled. */
const MAX_REQUESTS = 4;
/** What a page of a session with a memory limit takes; the limit is below what any browser needs besides. */
const TAKEN_BYTES = 60 * 1024 ** 2;
const LOWEST_MEMORY_LIMIT_MB = 64;

/** One way for a session to end. */
export interface Fault {
  readonly name: string;
  /** How often it is drawn, beside the others. */
  readonly weight: number;
  /** What it may end with when nothing happens to the service. */
  readonly reasons: readonly CloseReason[];
  readonly options?: CreateSession;
  /** Makes the session in place of a plain create; false when there is none, or its life is over with that. */
  readonly begin?: (subject: Subject) => Promise<boolean>;
  readonly mayBeUnborn?: boolean;
  readonly isAdoptable?: boolean;
  /** Brings the end about, or waits for what does. The session is CLOSED soon afterwards. */
  readonly end: (subject: Subject) => Promise<void>;
}

const nothing = async (): Promise<void> => undefined;

/** All there are. */
export const FAULTS: readonly Fault[] = [
  { name: 'delete', weight: 20, reasons: ['requested'], end: (subject) => subject.end() },
  {
    name: 'delete twice at once',
    weight: 4,
    reasons: ['requested'],
    end: endTwice,
  },
  { name: 'kill -9 of the browser', weight: 20, reasons: ['browser_crashed'], end: kill },
  {
    name: 'kill -9 during a delete',
    weight: 6,
    reasons: ['requested', 'browser_crashed'],
    end: killWhileEnding,
  },
  {
    name: 'SIGSTOP of the browser',
    weight: 4,
    reasons: ['unhealthy'],
    end: async (subject) => subject.signal(await subject.pid(), 'SIGSTOP'),
  },
  {
    name: 'SIGSTOP, then a delete',
    weight: 4,
    reasons: ['requested', 'unhealthy'],
    end: stopAndEnd,
  },
  { name: 'SIGSTOP, SIGCONT, then a delete', weight: 3, reasons: ['requested'], end: stopAndContinue },
  { name: 'idle time-out', weight: 8, reasons: ['idle_timeout'], options: { timeoutMs: 1_500 }, end: nothing },
  {
    name: 'max lifetime',
    weight: 6,
    reasons: ['max_lifetime'],
    options: { maxLifetimeMs: 3_000 },
    end: useForEver,
  },
  {
    name: 'max requests',
    weight: 6,
    reasons: ['max_requests'],
    options: { maxRequests: MAX_REQUESTS },
    end: (subject) => askUntil(subject, async () => (await subject.read()).state === 'CLOSED'),
  },
  {
    name: 'memory limit',
    weight: 4,
    reasons: ['memory_limit'],
    options: { memoryLimitMb: LOWEST_MEMORY_LIMIT_MB },
    end: (subject) => subject.evaluate(`globalThis.taken = new Uint8Array(${TAKEN_BYTES}).fill(1); 1`),
  },
  {
    name: 'restart, then a delete',
    weight: 4,
    reasons: ['requested'],
    options: { maxRequests: MAX_REQUESTS, recycle: 'restart' },
    end: restartAndEnd,
  },
  {
    name: 'client of /connect vanishes',
    weight: 8,
    reasons: ['client_disconnected'],
    isAdoptable: false,
    mayBeUnborn: true,
    begin: connectAndVanish,
    end: nothing,
  },
  {
    name: 'create is broken off',
    weight: 6,
    // One that was made, and whose answer nobody read, idles out.
    reasons: ['client_disconnected', 'idle_timeout', 'requested'],
    mayBeUnborn: true,
    begin: createAndVanish,
    end: nothing,
  },
];

async function endTwice(subject: Subject): Promise<void> {
  await Promise.all([subject.end(), subject.end()]);
}

async function killWhileEnding(subject: Subject): Promise<void> {
  const pid = await subject.pid();
  const ending = subject.end();
  await pause(subject.random.next() * 20);
  subject.signal(pid, 'SIGKILL');
  await ending;
}

async function stopAndEnd(subject: Subject): Promise<void> {
  subject.signal(await subject.pid(), 'SIGSTOP');
  await pause(subject.random.next() * 3_000);
  await subject.end();
}

/** A life that is long enough ends in use or not. */
async function useForEver(subject: Subject): Promise<void> {
  for (;;) await subject.evaluate('1');
}

async function restartAndEnd(subject: Subject): Promise<void> {
  const isRestarted = async (): Promise<boolean> =>
    (await subject.events()).some(({ type, toState }) => type === 'browserRestarted' || toState === 'CLOSED');
  await askUntil(subject, isRestarted);
  await subject.evaluate('1');
  await subject.end();
}

async function kill(subject: Subject): Promise<void> {
  const pid = await subject.pid();
  // While it works, as often as not.
  const working = subject.random.chance(0.5) ? subject.evaluate('for (;;) {}').catch(() => undefined) : undefined;
  await pause(subject.random.next() * 50);
  subject.signal(pid, 'SIGKILL');
  await working;
}

async function stopAndContinue(subject: Subject): Promise<void> {
  const pid = await subject.pid();
  subject.signal(pid, 'SIGSTOP');
  await pause(subject.random.next() * 6_000);
  subject.signal(pid, 'SIGCONT');
  await subject.end();
}

/** Asks more than the limit and is quiet, again and again: a service that was killed has forgotten what was asked of it. */
async function askUntil(subject: Subject, isTrue: () => Promise<boolean>): Promise<void> {
  for (;;) {
    if (await isTrue()) return;
    for (let count = 0; count <= MAX_REQUESTS; count += 1) await subject.evaluate('1');
    const { requestCount } = await subject.read();
    const hasCome = await until(`request ${requestCount} was too many`, isTrue, {
      timeoutMs: RESTART_TIMEOUT_MS / 4,
      pollMs: 200,
    }).catch(() => false);
    if (hasCome) return;
  }
}

async function connectAndVanish(subject: Subject): Promise<boolean> {
  const { random, record, service } = subject;
  const options = { timeoutMs: UNKNOWN_TIMEOUT_MS, metadata: { [LABEL]: record.label } };
  const vanish = random.pick([
    (url: string) => vanishByReset(url),
    (url: string) => vanishWithoutReading(url, random.next() * 500),
    (url: string) => vanishInHandshake(url, random.pick(CANCEL_AFTER_MS)),
  ]);
  // Broken by an incident it may have made a session or not; a second try would make a second one.
  await service.steadily(async ({ address }) => {
    if (await subject.find()) return;
    const keepAliveMs = random.chance(0.3) ? 500 : 0;
    await vanish(connectAddress(address, { ...options, keepAliveMs }));
  });
  return appears(subject);
}

async function createAndVanish(subject: Subject): Promise<boolean> {
  const { random, record, service } = subject;
  const options: CreateSession = {
    timeoutMs: UNKNOWN_TIMEOUT_MS,
    metadata: { [LABEL]: record.label },
    // Half of them wait for a browser of their own.
    ...(random.chance(0.5) ? { locale: 'de-DE' } : {}),
  };
  const afterMs = random.pick(CANCEL_AFTER_MS);
  const session = await service.steadily(async ({ address }): Promise<Session | undefined> =>
    (await subject.find()) ? undefined : cancelCreate(address, options, afterMs),
  );
  if (!(await appears(subject))) return false;
  if (session !== undefined) await subject.end();
  return true;
}

/** Whether there is a session by now. One that comes later still is judged at the end of the run. */
async function appears(subject: Subject): Promise<boolean> {
  return until('the session is there', () => subject.find(), { timeoutMs: 1_000, pollMs: 100 }).then(
    () => true,
    () => false,
  );
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
