import type { Finding } from './probe-run.ts';

const MOST_LINES = 40;

/** Findings as lines to read, those of several realms in one; an empty list is what one hopes for. */
export function describeFindings(findings: readonly Finding[]): string[] {
  const grouped = new Map<string, string[]>();
  for (const { realm, field, text } of findings) {
    const key = `${field}: ${text}`;
    grouped.set(key, [...(grouped.get(key) ?? []), realm]);
  }
  const lines = [...grouped].map(([text, realms]) => `${text} (in ${[...new Set(realms)].join(', ')})`);
  const more = lines.length - MOST_LINES;
  return more > 0 ? [...lines.slice(0, MOST_LINES), `… and ${more} more`] : lines;
}
