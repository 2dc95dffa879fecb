/** Claims the usual kind is credited with, so that the first claim of another one does not take the whole pool. */
const USUAL_CREDIT = 2;
/**
 * How far a kind must be from its share before a browser of another is ended for it. More than half a browser, or two kinds in
 * equal demand would take it from one another with every claim.
 */
const SHIFT_AT = 0.6;

type Counts = ReadonlyMap<string, number>;

const sumOf = (counts: Counts): number => [...counts.values()].reduce((sum, each) => sum + each, 0);

/** What the pool is to hold. */
interface PlanInput {
  /** Browsers in all. */
  readonly size: number;
  /** The kind of which there is always one. */
  readonly usual: string;
  /** Recent claims of each kind there can be; the usual one is among them. */
  readonly claims: Counts;
}

/**
 * The part of the pool each kind has by right, in browsers and fractions of one: in proportion to recent claims, at least one for
 * the usual kind. They add up to the size. Pure.
 */
export function planShares({ size, usual, claims }: PlanInput): Map<string, number> {
  const weights = [...claims].map(([each, count]) => [each, each === usual ? count + USUAL_CREDIT : count] as const);
  const total = sumOf(new Map(weights));
  const usualWeight = weights.find(([each]) => each === usual)?.[1] ?? 0;
  const usualShare = Math.max(Math.min(1, size), (size * usualWeight) / total);
  const others = total - usualWeight;
  return new Map(
    weights.map(([each, weight]) => [
      each,
      each === usual ? usualShare : others === 0 ? 0 : ((size - usualShare) * weight) / others,
    ]),
  );
}

/** Shares as whole browsers: each rounded down, the rest to those that lost most. They add up to the size. Pure. */
export function toTargets(shares: Counts, size: number): Map<string, number> {
  const targets = new Map([...shares].map(([each, share]) => [each, Math.floor(share)]));
  const byLoss = [...shares].sort(([, one], [, other]) => (other % 1) - (one % 1));
  let missing = size - sumOf(targets);
  for (const [each] of byLoss) {
    if (missing <= 0) break;
    targets.set(each, (targets.get(each) ?? 0) + 1);
    missing -= 1;
  }
  return targets;
}

/** The kind whose count is furthest from its share, and how far: below it for `short`, above it for `over`. */
function furthest(shares: Counts, have: Counts, side: 'short' | 'over'): { key: string; by: number } | undefined {
  let found: { key: string; by: number } | undefined;
  for (const [key, share] of shares) {
    const missing = share - (have.get(key) ?? 0);
    const by = side === 'short' ? missing : -missing;
    if (found === undefined || by > found.by) found = { key, by };
  }
  return found;
}

/** The kind that a browser is to be launched of next, with `have` of each there; undefined when none is. Pure. */
export function nextKind(wanted: PlanInput, have: Counts): string | undefined {
  const shares = planShares(wanted);
  const short = furthest(shares, have, 'short');
  const missing = wanted.size - sumOf(have);
  if (short === undefined || missing !== 0) return missing > 0 ? short?.key : undefined;
  // Whatever else is asked for: there is always one of the usual kind, unless there is to be none at all.
  if (wanted.size > 0 && !have.get(wanted.usual)) return wanted.usual;
  const over = furthest(shares, have, 'over')?.by ?? 0;
  return Math.min(short.by, over) >= SHIFT_AT ? short.key : undefined;
}

/** The kind that has most above its share, of those with a browser: the one to lose one when there are too many. Pure. */
export function surplusKind(wanted: PlanInput, have: Counts): string | undefined {
  const shares = [...planShares(wanted)].filter(([each]) => (have.get(each) ?? 0) > 0);
  return furthest(new Map(shares), have, 'over')?.key;
}
