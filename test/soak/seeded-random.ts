/** Random numbers that are the same for the same seed. */
export interface SeededRandom {
  /** A number from 0 up to, but not, 1. */
  next(): number;
  /** Whether something with this probability happens. */
  chance(probability: number): boolean;
  /** One of them. @throws when there are none */
  pick<Value>(values: readonly Value[]): Value;
  /** One of them, each as often as its weight says. @throws when there are none */
  pickWeighted<Value extends { readonly weight: number }>(values: readonly Value[]): Value;
}

/** A generator of its own for `stream` of a seed: what one draws does not depend on what others have drawn. */
export function seededRandom(seed: number, stream: number): SeededRandom {
  // Mulberry32: enough for drawing faults.
  let state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(stream + 1, 0x85ebca6b)) >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const take = <Value>(value: Value | undefined): Value => {
    if (value === undefined) throw new Error('There is nothing to pick from');
    return value;
  };
  return {
    next,
    chance: (probability) => next() < probability,
    pick: (values) => take(values[Math.floor(next() * values.length)]),
    pickWeighted(values) {
      let rest = next() * values.reduce((sum, { weight }) => sum + weight, 0);
      return take(values.find(({ weight }) => (rest -= weight) < 0) ?? values.at(-1));
    },
  };
}
