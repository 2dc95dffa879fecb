import { FingerprintGenerator } from 'fingerprint-generator';

export interface Share<Value> {
  readonly value: Value;
  /** Of all devices of the system; the sum need not be 1. */
  readonly weight: number;
}

interface NetworkNode {
  toJSON(): { readonly conditionalProbabilities: unknown };
}

type Shares = Readonly<Record<string, number>>;

/** Older browsers stand for older devices, and cap the memory they tell at 8 GB. */
const OLDEST_MAJOR = 138;
const OTHER_BROWSERS = /Edg|OPR|YaBrowser|Vivaldi|Headless|CrOS/;
const TEXT_PREFIX = '*STRINGIFIED*';

function nodes(): Readonly<Record<string, NetworkNode>> {
  // It is declared as `any`.
  const { fingerprintGeneratorNetwork } = new FingerprintGenerator() as unknown as {
    readonly fingerprintGeneratorNetwork: { readonly nodesByName: Readonly<Record<string, NetworkNode>> };
  };
  return fingerprintGeneratorNetwork.nodesByName;
}

function isRecentChrome(userAgent: string): boolean {
  const major = /Chrome\/(\d+)/.exec(userAgent)?.[1];
  return major !== undefined && Number(major) >= OLDEST_MAJOR && !OTHER_BROWSERS.test(userAgent);
}

/**
 * Reads how often each value of a property is seen with recent Chrome on one system.
 *
 * Each node of the network depends on the user agent and on nothing else: its samples join values no device has together. So the shares
 * of single values are all that is taken from it.
 */
export function openNetwork(): (property: string, systemMark: string) => Share<unknown>[] {
  const all = nodes();
  const distribution = (property: string): unknown => all[property]?.toJSON().conditionalProbabilities;
  const userAgents = Object.entries(distribution('userAgent') as Shares);
  return (property, systemMark) => {
    const { deeper } = distribution(property) as { readonly deeper: Readonly<Record<string, Shares>> };
    const weights = new Map<string, number>();
    for (const [userAgent, share] of userAgents) {
      if (!userAgent.includes(systemMark) || !isRecentChrome(userAgent)) continue;
      for (const [text, part] of Object.entries(deeper[userAgent] ?? {})) {
        weights.set(text, (weights.get(text) ?? 0) + share * part);
      }
    }
    return [...weights]
      .filter(([text]) => text.startsWith(TEXT_PREFIX))
      .map(([text, weight]) => ({ value: JSON.parse(text.slice(TEXT_PREFIX.length)) as unknown, weight }));
  };
}

/** Adds up what `map` makes the same of; what it makes undefined of is dropped. */
export function regroup<Value>(
  shares: readonly Share<unknown>[],
  map: (value: unknown) => Value | undefined,
): Share<Value>[] {
  const groups = new Map<string, { value: Value; weight: number }>();
  for (const { value, weight } of shares) {
    const mapped = map(value);
    if (mapped === undefined) continue;
    const key = JSON.stringify(mapped);
    const group = groups.get(key) ?? { value: mapped, weight: 0 };
    group.weight += weight;
    groups.set(key, group);
  }
  return [...groups.values()].sort((one, other) => other.weight - one.weight);
}
