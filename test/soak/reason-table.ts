import type { CloseReason } from '@guise/contract';

/** Counts how often sessions of a fault ended for a reason. */
export class ReasonTable {
  readonly #counts = new Map<string, Map<string, number>>();

  /** `reason` is undefined for a session that never was. */
  add(fault: string, reason: CloseReason | null | undefined): void {
    const counts = this.#counts.get(fault) ?? new Map<string, number>();
    const name = reason === undefined ? 'no session' : (reason ?? 'not ended');
    counts.set(name, (counts.get(name) ?? 0) + 1);
    this.#counts.set(fault, counts);
  }

  get total(): number {
    return [...this.#counts.values()].reduce((sum, counts) => sum + total(counts), 0);
  }

  /** Lines of text: a fault each, with its reasons, the most frequent first. */
  toLines(): readonly string[] {
    const names = [...this.#counts.keys()].sort();
    const width = Math.max(0, ...names.map((name) => name.length));
    return names.map((name) => {
      const counts = this.#counts.get(name) ?? new Map<string, number>();
      const reasons = [...counts]
        .sort(([, one], [, other]) => other - one)
        .map(([reason, count]) => `${reason} ${count}`);
      return `${name.padEnd(width)}  ${String(total(counts)).padStart(5)}  ${reasons.join(', ')}`;
    });
  }
}

function total(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}
