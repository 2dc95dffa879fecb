const MIB = 1024 ** 2;

/** What one connection may keep busy. */
export interface RealtimeLimits {
  /** Calls at work at once; more wait in line. */
  readonly callsAtOnce: number;
  /** Calls in line; more are refused. */
  readonly callsInLine: number;
  /** With so many bytes of messages that are not answered yet, no more are read. */
  readonly unansweredBytes: number;
  /** With so many bytes on their way that the client does not take, no calls are begun and no messages read. */
  readonly unsentBytes: number;
  /** How long a client that has to take something may take nothing of it. Milliseconds. */
  readonly stallMs: number;
}

export const REALTIME_LIMITS: RealtimeLimits = {
  callsAtOnce: 64,
  callsInLine: 256,
  unansweredBytes: 32 * MIB,
  unsentBytes: 64 * MIB,
  stallMs: 60_000,
};
