import type { EgressFailureReason } from '@guise/contract';

/** How long a proxy is avoided after its first failure; twice as long after each one that follows. */
const FIRST_AVOIDANCE_MS = 5_000;
const LONGEST_AVOIDANCE_MS = 5 * 60_000;
/** How long the one connection that tries a proxy again may take until another may. */
const TRIAL_MS = 30_000;

/** How proxies did since that was last written down. */
export interface HealthNote {
  readonly id: string;
  readonly usedAt: Date;
  readonly failuresInARow: number | undefined;
}

interface Condition {
  failuresInARow: number;
  /** Milliseconds as of the clock; 0: not avoided. */
  avoidedUntil: number;
  /** Whether a connection tries it again now. */
  isOnTrial: boolean;
}

/**
 * Whether a failed connection tells something of the proxy: it does not answer, or does not take the credentials. One that answers and does
 * not connect may be right about the destination, which a page chooses: it must not be able to have proxies avoided.
 */
function isOwnFault(outcome: EgressFailureReason): boolean {
  return outcome === 'proxy_unreachable' || outcome === 'proxy_auth';
}

/**
 * How the stored proxies do, as the sessions of this node see it: a circuit breaker for each.
 *
 * A proxy that fails is avoided for a time that doubles with each failure in a row, 5 seconds to 5 minutes. When that is over, one
 * connection tries it, and the others go on to avoid it until that is decided. Connecting, or a check that succeeds, ends all that. It
 * is kept in memory: a node that starts anew finds out again.
 */
export class ProxyHealth {
  readonly #conditions = new Map<string, Condition>();
  readonly #notes = new Map<string, HealthNote>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** How a connection through a proxy went. */
  report(id: string, outcome: 'connected' | EgressFailureReason): void {
    if (outcome === 'connected') this.#succeeded(id);
    else if (isOwnFault(outcome)) this.#failed(id);
    else this.#note(id, undefined);
  }

  /** How a check of a proxy went: its destination is trusted, so that every failure counts. */
  reportCheck(id: string, isOk: boolean): void {
    if (isOk) this.#conditions.delete(id);
    else this.#failed(id);
    // The check has written it down.
    this.#notes.delete(id);
  }

  /** Forgets a proxy that has another address now. */
  forget(id: string): void {
    this.#conditions.delete(id);
    this.#notes.delete(id);
  }

  isAvoided(id: string): boolean {
    return (this.#conditions.get(id)?.avoidedUntil ?? 0) > this.#now();
  }

  hasFailed(id: string): boolean {
    return this.#conditions.has(id);
  }

  /** Until when it is avoided; undefined: it is not. */
  avoidedUntil(id: string): Date | undefined {
    return this.isAvoided(id) ? new Date(this.#conditions.get(id)?.avoidedUntil ?? 0) : undefined;
  }

  /** All that are avoided now. */
  listAvoided(): string[] {
    return [...this.#conditions.keys()].filter((id) => this.isAvoided(id));
  }

  /** To be told when a proxy is given a connection: where it had failed that is its trial, and nobody else tries meanwhile. */
  startTrial(id: string): void {
    const condition = this.#conditions.get(id);
    if (condition === undefined) return;
    condition.isOnTrial = true;
    condition.avoidedUntil = Math.max(condition.avoidedUntil, this.#now() + TRIAL_MS);
  }

  /** What is to be written down; each is given once. */
  takeNotes(): HealthNote[] {
    const notes = [...this.#notes.values()];
    this.#notes.clear();
    return notes;
  }

  /** Takes back notes that could not be written, where there are none that are newer. */
  returnNotes(notes: readonly HealthNote[]): void {
    for (const note of notes) if (!this.#notes.has(note.id)) this.#notes.set(note.id, note);
  }

  #succeeded(id: string): void {
    this.#conditions.delete(id);
    this.#note(id, 0);
  }

  #failed(id: string): void {
    const known = this.#conditions.get(id);
    const { failuresInARow = 0 } = known ?? {};
    // Of connections that were under way together the first one has told all.
    if (known !== undefined && !known.isOnTrial && this.isAvoided(id)) return;
    const avoidedMs = Math.min(FIRST_AVOIDANCE_MS * 2 ** failuresInARow, LONGEST_AVOIDANCE_MS);
    const avoidedUntil = this.#now() + avoidedMs;
    this.#conditions.set(id, { failuresInARow: failuresInARow + 1, avoidedUntil, isOnTrial: false });
    this.#note(id, failuresInARow + 1);
  }

  #note(id: string, failuresInARow: number | undefined): void {
    const known = this.#notes.get(id)?.failuresInARow;
    this.#notes.set(id, { id, usedAt: new Date(this.#now()), failuresInARow: failuresInARow ?? known });
  }
}
