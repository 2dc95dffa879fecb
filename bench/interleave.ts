/** The samples of one series after another, by name. */
export class Samples<Name extends string> {
  readonly #series = new Map<Name, number[]>();

  add(name: Name, value: number): void {
    const series = this.#series.get(name);
    if (series === undefined) this.#series.set(name, [value]);
    else series.push(value);
  }

  /** @throws when nothing was ever added under this name */
  get(name: Name): readonly number[] {
    const series = this.#series.get(name);
    if (series === undefined) throw new Error(`There are no samples of ${name}`);
    return series;
  }
}

/** Does what is measured once, and adds what it saw to `samples`. */
export type Contender<Name extends string> = (samples: Samples<Name>, round: number) => Promise<void>;

/** How often to let each contender have its turn. */
export interface InterleavePlan {
  readonly rounds: number;
  /** Rounds before those, of which nothing is kept: code is compiled and caches fill. */
  readonly warmUpRounds: number;
  /** Milliseconds after which no further round begins, once there are a few: a slow machine gets fewer samples. */
  readonly budgetMs: number;
}

const FEWEST_ROUNDS = 5;

/**
 * Lets contenders take turns, so that whatever else the machine does at the time hits them all alike.
 *
 * The one that begins changes from round to round, and every other round goes backwards: nobody always comes right
 * after the same neighbour.
 */
export async function interleave<Name extends string>(
  contenders: readonly Contender<Name>[],
  plan: InterleavePlan,
  signal: AbortSignal,
): Promise<Samples<Name>> {
  const kept = new Samples<Name>();
  const warmUp = new Samples<Name>();
  const startedAt = performance.now();
  for (let round = -plan.warmUpRounds; round < plan.rounds; round += 1) {
    if (round >= FEWEST_ROUNDS && performance.now() - startedAt > plan.budgetMs) break;
    for (const contender of orderOf(round + plan.warmUpRounds, contenders)) {
      signal.throwIfAborted();
      await contender(round < 0 ? warmUp : kept, round);
    }
  }
  return kept;
}

function orderOf<Each>(round: number, contenders: readonly Each[]): readonly Each[] {
  const first = Math.floor(round / 2) % contenders.length;
  const order = [...contenders.slice(first), ...contenders.slice(0, first)];
  return round % 2 === 0 ? order : order.reverse();
}
