import { readdirSync, readFileSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';

import type { BrowserProcesses } from './browser.ts';

/** Clock ticks a second in /proc (USER_HZ), the same on every Linux that Node runs on. */
const TICK_MS = 10;
/** Tag of the size of a page of memory in /proc/self/auxv (AT_PAGESZ), a list of pairs of 64-bit words; see getauxval(3). */
const PAGE_SIZE_TAG = 6n;
const USUAL_PAGE_BYTES = 4_096;
/** How many cheap readings to make before others get their turn. */
const READINGS_A_TURN = 40;
/** What a process of Chromium has to itself of what it has resident, where nothing better is known yet. */
const USUAL_SHARE = 0.3;
/** Makes a process that was never read exactly come before all that were. */
const NEVER_READ = 2 ** 50;
/** A process that is not ours is not looked at again before this many rounds; its id may be given to one of ours then. */
const STRANGER_ROUNDS = 12;

/** What the processes of one browser use together. */
export interface ProcessUsage {
  /** Proportional set size: memory shared by n processes counts 1/n for each. */
  readonly memoryBytes: number;
  /** Processor time since they were started, with that of those that have ended. */
  readonly cpuMs: number;
  readonly processCount: number;
}

/** What /proc/<pid>/stat says, as far as it is cheap to have; see proc_pid_stat(5). */
interface Reading {
  readonly pid: number;
  readonly groupId: number;
  readonly startTicks: string;
  readonly cpuMs: number;
  readonly residentBytes: number;
}

/** The last exact reading of one process, and what it had resident at that time. */
interface Exact {
  readonly startTicks: string;
  readonly pssBytes: number;
  readonly residentBytes: number;
  readonly round: number;
}

function readProc(pid: number, file: string): string {
  try {
    // Such a file is made when it is read: it never waits for a disk, and a thread would cost more than the reading.
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    // The process has ended, or is not ours to look at.
    return '';
  }
}

/** Size of a page of memory in bytes, in which /proc/<pid>/stat counts: 4 KiB on x86-64, up to 64 KiB on arm64. */
function readPageBytes(): number {
  const words = new BigUint64Array(new Uint8Array(readFileSync('/proc/self/auxv')).buffer);
  const index = words.findIndex((word, at) => at % 2 === 0 && word === PAGE_SIZE_TAG);
  return Number(words[index + 1] ?? USUAL_PAGE_BYTES);
}

/** Parses `/proc/<pid>/stat`, whose sizes are in pages of `pageBytes`. Pure. */
export function parseStat(pid: number, text: string, pageBytes: number): Reading | undefined {
  // The command name stands in parentheses and may itself hold any character, so count from its last one.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state] = fields;
  if (fields.length < 22 || state === 'Z' || state === 'X') return undefined;
  const ticks = fields.slice(11, 15).reduce((sum, each) => sum + Number(each), 0);
  return {
    pid,
    groupId: Number(fields[2]),
    startTicks: fields[19] ?? '',
    cpuMs: ticks * TICK_MS,
    residentBytes: Number(fields[21]) * pageBytes,
  };
}

/** The proportional set size in `/proc/<pid>/smaps_rollup`, in bytes; undefined where it cannot be read. Pure. */
export function parsePss(text: string): number | undefined {
  const kilobytes = /^Pss:\s+(\d+) kB$/m.exec(text)?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1_024;
}

/**
 * Measures what browsers use, cheaply enough to do so all the time.
 *
 * The exact memory of a process (its proportional set size) costs the kernel a walk through all its page tables, one or
 * two milliseconds; what it has resident costs next to nothing. So the exact figure is read where the resident size has
 * changed since, or long ago, within a budget of time a round, and what has grown in between is added to it. Where the exact
 * figure cannot be read (another user's process), the resident size stands for it, which is too much; where it has not been
 * read yet, the usual share of that.
 */
export class ProcessMeter {
  readonly #budgetMs: number;
  readonly #pageBytes = readPageBytes();
  readonly #exact = new Map<number, Exact>();
  /** Processes that belong to none of the browsers, each with the round it was seen in. */
  readonly #strangers = new Map<number, number>();
  #round = 0;

  /** `budgetMs`: how much time exact readings may take a round. One is always made. */
  constructor({ budgetMs }: { readonly budgetMs: number }) {
    this.#budgetMs = budgetMs;
  }

  /** Measures several browsers; the answer is in their order. A browser that has ended uses nothing. */
  async measure(browsers: readonly BrowserProcesses[]): Promise<ProcessUsage[]> {
    this.#round += 1;
    this.#forgetStrangers();
    const members = await this.#readMembers(browsers, (pid) => this.#strangers.set(pid, this.#round));
    await this.#readExactly(members.flat(), this.#budgetMs);
    const running = new Set(members.flat().map(({ pid }) => pid));
    for (const pid of this.#exact.keys()) if (!running.has(pid)) this.#exact.delete(pid);
    return members.map((readings) => this.#toUsage(readings));
  }

  /** Measures one browser without regard to the budget: for what depends on the exact figure. */
  async measureExactly(browser: BrowserProcesses): Promise<ProcessUsage> {
    // Those of the other browsers are no strangers, though none of this one's.
    const [readings = []] = await this.#readMembers([browser], () => undefined);
    for (const { pid } of readings) this.#exact.delete(pid);
    await this.#readExactly(readings, Infinity);
    return this.#toUsage(readings);
  }

  #toUsage(readings: readonly Reading[]): ProcessUsage {
    return {
      memoryBytes: Math.round(readings.reduce((sum, each) => sum + this.#estimate(each), 0)),
      cpuMs: readings.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
      processCount: readings.length,
    };
  }

  /** Reads the processes of each browser, of whatever else runs here only once in a while. */
  async #readMembers(browsers: readonly BrowserProcesses[], onStranger: (pid: number) => void): Promise<Reading[][]> {
    const ofGroup = new Map(browsers.flatMap(({ groups }, index) => groups.map((group) => [group, index])));
    // The processes of a browser that is new here may have been seen before, when they were nobody's.
    if ([...ofGroup.keys()].some((group) => this.#strangers.has(group))) this.#strangers.clear();
    const ofOther = new Map(browsers.flatMap(({ others }, index) => others.map((pid) => [pid, index])));
    const members: Reading[][] = browsers.map(() => []);
    for (const reading of await this.#readCandidates()) {
      const owner = ofGroup.get(reading.groupId) ?? ofOther.get(reading.pid);
      if (owner === undefined) onStranger(reading.pid);
      else members[owner]?.push(reading);
    }
    return members;
  }

  async #readCandidates(): Promise<Reading[]> {
    const readings: Reading[] = [];
    for (const name of readdirSync('/proc')) {
      const pid = Number(name);
      if (!Number.isInteger(pid) || this.#strangers.has(pid)) continue;
      const reading = parseStat(pid, readProc(pid, 'stat'), this.#pageBytes);
      if (reading !== undefined) readings.push(reading);
      if (readings.length % READINGS_A_TURN === READINGS_A_TURN - 1) await nextTurn();
    }
    return readings;
  }

  /** Those not looked at for long are looked at again, if they are there still: most have ended, and nobody asks for them. */
  #forgetStrangers(): void {
    // In the order in which they were seen.
    for (const [pid, seen] of this.#strangers) {
      if (this.#round - seen < STRANGER_ROUNDS) return;
      this.#strangers.delete(pid);
    }
  }

  /** Reads exactly what needs it most, until the budget is spent. */
  async #readExactly(readings: readonly Reading[], budgetMs: number): Promise<void> {
    const byNeed = readings
      .map((reading) => ({ reading, need: this.#needOf(reading) }))
      .filter(({ need }) => need > 0)
      .sort((one, other) => other.need - one.need);
    let spentMs = 0;
    for (const { reading } of byNeed) {
      const startedAt = performance.now();
      const { pid, startTicks, residentBytes } = reading;
      const pssBytes = parsePss(readProc(pid, 'smaps_rollup')) ?? residentBytes;
      this.#exact.set(pid, { startTicks, pssBytes, residentBytes, round: this.#round });
      spentMs += performance.now() - startedAt;
      if (spentMs >= budgetMs) return;
      await nextTurn();
    }
  }

  /** How much an exact reading of a process would tell: all of it if there is none, else what has changed and its age. */
  #needOf({ pid, startTicks, residentBytes }: Reading): number {
    const exact = this.#exact.get(pid);
    if (exact?.startTicks !== startTicks) return NEVER_READ + residentBytes;
    const changed = Math.abs(residentBytes - exact.residentBytes);
    return changed + (this.#round - exact.round) * this.#pageBytes;
  }

  #estimate({ pid, startTicks, residentBytes }: Reading): number {
    const exact = this.#exact.get(pid);
    if (exact?.startTicks !== startTicks) return residentBytes * USUAL_SHARE;
    // What a process gains after it has started is its own; what it gives back cannot be more than it had.
    return Math.max(0, exact.pssBytes + residentBytes - exact.residentBytes);
  }
}
