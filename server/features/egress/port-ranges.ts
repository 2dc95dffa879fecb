/** Ports from the first to the last, both included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

const HIGHEST_PORT = 65_535;

/** The ports that sessions may connect to if the operator says nothing. */
export const DEFAULT_PORTS = '80,443,1024-65535';

function parseRange(entry: string): PortRange | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(entry);
  if (match === null) return undefined;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  return first >= 1 && first <= last && last <= HIGHEST_PORT ? { first, last } : undefined;
}

/**
 * A list of ports and ranges of them, such as `80,443,1024-65535`.
 * @throws {RangeError} that names the entry which is neither
 */
export function parsePortRanges(text: string): readonly PortRange[] {
  return text
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .map((entry) => {
      const range = parseRange(entry);
      if (range === undefined) throw new RangeError(`"${entry}" is no port or range of ports such as 1024-65535`);
      return range;
    });
}

/** Whether a port lies in one of the ranges. */
export function includesPort(ranges: readonly PortRange[], port: number): boolean {
  return ranges.some(({ first, last }) => port >= first && port <= last);
}
