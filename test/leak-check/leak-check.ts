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
/** How long what is being closed may take to be closed, after nothing is live any more. */
const SETTLE_TIMEOUT_MS = 20_000;
const LOOK_AGAIN_MS = 500;
/** Rounds of a wave that run at once. */
const ROUNDS_AT_ONCE = 3;
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
  async run(
    plan: { readonly length: 'quick' | 'full'; readonly cycles: number },
    onResult: (result: WaveResult) => void,
    signal: AbortSignal,
  ): Promise<void> {
    // What is opened once, for good, is open after one round of everything.
    await Promise.all(WAVES.map((wave) => this.#runRounds(wave, 1)));
    const before = await this.#takeBase();
    for (let cycle = 0; cycle < plan.cycles; cycle += 1) {
      for (const wave of WAVES) {
        signal.throwIfAborted();
        const rounds = wave.rounds[plan.length];
        const sessions = await this.#runRounds(wave, rounds);
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

  async #runRounds(wave: Wave, rounds: number): Promise<number> {
    let begun = 0;
    let sessions = 0;
    const runSome = async (): Promise<void> => {
      while (begun < rounds) {
        begun += 1;
        sessions += await wave.run(this.#deps);
      }
    };
    const at = Math.min(ROUNDS_AT_ONCE, rounds);
    await Promise.all(Array.from({ length: at }, runSome)).catch((error: unknown) => {
      throw new Error(`The wave "${wave.name}" failed`, { cause: error });
    });
    return sessions;
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
