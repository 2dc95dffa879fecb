import { setTimeout as sleep } from 'node:timers/promises';

import type { SessionList } from '@guise/contract';

import { expectStatus } from '../acceptance/api.ts';
import { countDatabaseConnections, countHoldings } from '../acceptance/holdings.ts';
import { until } from '../acceptance/until.ts';
import type { Inspector } from './inspector.ts';
import { type FigureName, type Figures, findGrown, type HeapSample } from './verdict.ts';
import { type Wave, type WaveDeps, WAVES } from './waves.ts';

const LIVE_STATES = ['INITIALIZING', 'ACTIVE', 'IDLE', 'UNHEALTHY', 'CLOSING'];
const QUIET_TIMEOUT_MS = 60_000;
/** How long what is being closed may take to be closed, after nothing is live any more: commands time out after 30 s. */
const SETTLE_TIMEOUT_MS = 40_000;
const LOOK_AGAIN_MS = 500;
/** Rounds of a wave that run at once. */
const ROUNDS_AT_ONCE = 3;
/** Rounds of each wave where all run at once. */
const QUICK_ROUNDS = 1;
/** Looks of which the base line is the least: one may come at a busy moment. */
const BASE_LOOKS = 3;

/** What was found after one wave. */
export interface WaveResult {
  readonly wave: string;
  readonly rounds: number;
  readonly sessions: number;
  readonly before: Figures;
  readonly after: Figures;
  readonly heap: HeapSample;
  /** What has grown beyond its tolerance. */
  readonly grown: readonly FigureName[];
}

interface Seen {
  readonly figures: Figures;
  readonly heapBytes: number;
}

/** How long a check is to be. */
export interface LeakCheckPlan {
  readonly cycles: number;
  /** Whether all waves run at once, as one: quicker, but it does not tell which of them leaks. */
  readonly isTogether: boolean;
}

/** Runs all rounds of a wave, some at once; gives the number of sessions. */
async function runRounds({ name, rounds, run }: Wave, deps: WaveDeps): Promise<number> {
  let begun = 0;
  const runSome = async (): Promise<number> => {
    let sessions = 0;
    while (begun < rounds) {
      begun += 1;
      const made = await run(deps);
      sessions += made;
    }
    return sessions;
  };
  try {
    const counts = await Promise.all(Array.from({ length: Math.min(ROUNDS_AT_ONCE, rounds) }, runSome));
    return counts.reduce((sum, count) => sum + count, 0);
  } catch (error) {
    throw new Error(`The wave "${name}" failed`, { cause: error });
  }
}

/** All waves as one, each of so many rounds. */
function everything(rounds: number): Wave {
  return {
    name: 'everything at once',
    rounds: 1,
    run: async (deps) => {
      const counts = await Promise.all(WAVES.map((wave) => runRounds({ ...wave, rounds }, deps)));
      return counts.reduce((sum, count) => sum + count, 0);
    },
  };
}

/** Does things to a service in waves and sees after each whether it holds what it held before all of them. */
export class LeakCheck {
  readonly #deps: WaveDeps;
  readonly #inspector: Inspector;
  #sessions = 0;

  constructor(deps: WaveDeps, inspector: Inspector) {
    this.#deps = deps;
    this.#inspector = inspector;
  }

  /** Runs every wave, `cycles` times over, and tells `onResult` of each. Rejects when something does not work at all. */
  async run(plan: LeakCheckPlan, onResult: (result: WaveResult) => void, signal: AbortSignal): Promise<void> {
    // What is opened once, for good, is open after one round of everything.
    await everything(1).run(this.#deps);
    const before = await this.#takeBase();
    for (let cycle = 0; cycle < plan.cycles; cycle += 1) {
      for (const wave of plan.isTogether ? [everything(QUICK_ROUNDS)] : WAVES) {
        signal.throwIfAborted();
        const { rounds } = wave;
        const sessions = await runRounds(wave, this.#deps);
        const { figures: after, heapBytes: bytes } = await this.#settle(before);
        const grown = findGrown(before, after);
        this.#sessions += sessions;
        onResult({
          wave: wave.name,
          rounds,
          sessions,
          before,
          after,
          grown,
          heap: { sessions: this.#sessions, bytes },
        });
      }
    }
  }

  /** The pool is full and nobody uses anything. */
  async #waitForQuiet(): Promise<void> {
    await until(
      'nothing is live and the warm pool is full',
      async () => {
        const { sessions, warmPool } = await this.#deps.api.status();
        return (
          sessions.live + sessions.queued + sessions.cdpClients + warmPool.starting === 0 &&
          warmPool.ready === warmPool.size
        );
      },
      { timeoutMs: QUIET_TIMEOUT_MS },
    );
  }

  async #takeBase(): Promise<Figures> {
    await this.#waitForQuiet();
    const looks: Figures[] = [];
    for (let look = 0; look < BASE_LOOKS; look += 1) {
      await sleep(LOOK_AGAIN_MS);
      looks.push((await this.#look()).figures);
    }
    return looks.reduce((least, each) => {
      const names = Object.keys(least) as FigureName[];
      return Object.fromEntries(names.map((name) => [name, Math.min(least[name], each[name])])) as Figures;
    });
  }

  /** What is seen when nothing has grown, or else when there was time enough for it to be freed. */
  async #settle(before: Figures): Promise<Seen> {
    await this.#waitForQuiet();
    const deadline = performance.now() + SETTLE_TIMEOUT_MS;
    for (;;) {
      const seen = await this.#look();
      if (findGrown(before, seen.figures).length === 0 || performance.now() > deadline) return seen;
      await sleep(LOOK_AGAIN_MS);
    }
  }

  async #look(): Promise<Seen> {
    const { service } = this.#deps;
    const { heapBytes, ...inside } = await this.#inspector.look(countDatabaseConnections(service.dataDir));
    const holdings = await countHoldings(service);
    return { figures: { live: await this.#countLive(), ...holdings, ...inside }, heapBytes };
  }

  async #countLive(): Promise<number> {
    const counts = await Promise.all(
      LIVE_STATES.map(async (state) => {
        const answer = await this.#deps.api.call('GET', `/api/sessions?state=${state}`);
        return expectStatus<SessionList>(answer, 200).sessions.length;
      }),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  }
}
