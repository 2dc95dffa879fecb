import { median, percentile } from './statistics.ts';

/** What a row should reach: nothing fails when it does not, as absolute times depend on the machine. */
interface Goal {
  /** `ratio` and `difference` are those of the medians, beside the floor; the others, and a difference, are in the row's unit. */
  readonly of: 'median' | 'p95' | 'ratio' | 'difference';
  readonly atMost: number;
}

/** One series of samples. */
export interface Measurement {
  readonly what: string;
  readonly unit: 'ms' | 'MiB' | '%';
  readonly samples: readonly number[];
  /** Samples of what it is compared with; absent for a floor itself, and where there is none. */
  readonly floor?: readonly number[];
  readonly goal?: Goal;
}

/** What one benchmark found. */
export interface Section {
  readonly title: string;
  readonly measurements: readonly Measurement[];
  /** What a reader must know to read the numbers right. */
  readonly notes: readonly string[];
}

/** A measurement as one row of a table. */
export interface Row {
  readonly what: string;
  readonly count: number;
  readonly median: number;
  readonly p95: number;
  readonly unit: Measurement['unit'];
  /** Median over the floor's median. */
  readonly ratio: number | undefined;
  readonly goal: Goal | undefined;
  /** What the goal is held against; undefined where there is none. */
  readonly reached: number | undefined;
  readonly reachesGoal: boolean | undefined;
}

/** Pure. @throws when there are no samples */
export function toRow({ what, unit, samples, floor, goal }: Measurement): Row {
  const middle = median(samples);
  const p95 = percentile(samples, 0.95);
  const floorMedian = floor === undefined ? undefined : median(floor);
  const ratio = floorMedian === undefined ? undefined : middle / floorMedian;
  const difference = floorMedian === undefined ? undefined : middle - floorMedian;
  const reached = goal === undefined ? undefined : { median: middle, p95, ratio, difference }[goal.of];
  return {
    what,
    count: samples.length,
    median: middle,
    p95,
    unit,
    ratio,
    goal,
    reached,
    reachesGoal: goal === undefined || reached === undefined ? undefined : reached <= goal.atMost,
  };
}
