/** One wish to end arrives several times within this: from the terminal, again from npm, and as a hang-up when npm has gone. */
const ECHO_MS = 500;

/**
 * Decides which of the signals that reach the launcher the service is told of: each wish to end once, its echoes not.
 * A second Ctrl-C, pressed later, is a wish of its own.
 */
export class SignalRelay {
  #send;
  #now;
  #lastAt;

  constructor({ send, now = () => performance.now() }) {
    this.#send = send;
    this.#now = now;
  }

  pass(signal) {
    const isEcho = this.#lastAt !== undefined && this.#now() - this.#lastAt < ECHO_MS;
    this.#lastAt = this.#now();
    if (!isEcho) this.#send(signal);
  }

  /** For a reason to end that may have been the reason for earlier signals, too. */
  passUnlessPassed(signal) {
    if (this.#lastAt === undefined) this.pass(signal);
  }
}
