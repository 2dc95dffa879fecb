import type { SessionTraffic } from '@guise/contract';

/** Ends a connection whose session has used up what it may move. */
export class TrafficSpent extends Error {
  override readonly name = 'TrafficSpent';
}

/** Counts what a session moves, and says when it was enough. */
export class TrafficMeter {
  #receivedBytes = 0;
  #sentBytes = 0;
  #connections = 0;
  #refusals = 0;
  /** null: none. */
  limitBytes: number | null = null;

  get traffic(): SessionTraffic {
    return {
      receivedBytes: this.#receivedBytes,
      sentBytes: this.#sentBytes,
      connections: this.#connections,
      refusals: this.#refusals,
    };
  }

  get isSpent(): boolean {
    return this.limitBytes !== null && this.#receivedBytes + this.#sentBytes >= this.limitBytes;
  }

  addConnection(): void {
    this.#connections += 1;
  }

  addRefusal(): void {
    this.#refusals += 1;
  }

  /** To be called before they are passed on. @throws {TrafficSpent} when they go beyond the limit */
  addReceived(bytes: number): void {
    this.#receivedBytes += bytes;
    this.#check();
  }

  /** To be called before they are passed on. @throws {TrafficSpent} when they go beyond the limit */
  addSent(bytes: number): void {
    this.#sentBytes += bytes;
    this.#check();
  }

  #check(): void {
    const isBeyond = this.limitBytes !== null && this.#receivedBytes + this.#sentBytes > this.limitBytes;
    if (isBeyond) throw new TrafficSpent('The session has used up its traffic');
  }
}
