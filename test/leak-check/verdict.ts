/** Something a service holds, counted. */
export type Figures = Readonly<Record<FigureName, number>>;

/** How much more than before is no leak yet, for each figure but the heap, which is judged by its slope. */
export const TOLERANCES = {
  /** Sessions REST lists in a live state. */
  live: 0,
  browsers: 0,
  displays: 0,
  /** Processes whose browser is gone. */
  strays: 0,
  folders: 0,
  /** TCP ports it listens on. */
  ports: 0,
  /** A look at the wrong moment may find a file open, or a connection about to be closed. */
  descriptors: 2,
  handles: 2,
  emitters: 4,
  listeners: 10,
  /** Time-outs of up to half a minute that nobody waits for any more. */
  signals: 80,
  /** Caches of Node and of libraries: one of about fifty is filled late. */
  entries: 100,
  members: 30,
} as const;

export type FigureName = keyof typeof TOLERANCES;

export const FIGURE_NAMES = Object.keys(TOLERANCES) as readonly FigureName[];

/** The figures that have grown by more than they may. Pure. */
export function findGrown(before: Figures, after: Figures): readonly FigureName[] {
  return FIGURE_NAMES.filter((name) => after[name] - before[name] > TOLERANCES[name]);
}

/** A sample of the heap: its size in bytes after so many sessions. */
export interface HeapSample {
  readonly sessions: number;
  readonly bytes: number;
}

/** Bytes by which the heap grows with each session, by least squares; 0 for fewer than two samples. Pure. */
export function heapSlope(samples: readonly HeapSample[]): number {
  const mean = (of: (sample: HeapSample) => number): number =>
    samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length;
  const [meanX, meanY] = [mean(({ sessions }) => sessions), mean(({ bytes }) => bytes)];
  const spread = samples.reduce((sum, { sessions }) => sum + (sessions - meanX) ** 2, 0);
  if (spread === 0 || samples.length < 2) return 0;
  return samples.reduce((sum, { sessions, bytes }) => sum + (sessions - meanX) * (bytes - meanY), 0) / spread;
}
