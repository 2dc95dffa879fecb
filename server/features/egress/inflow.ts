import type { OnReadOpts, Socket } from 'node:net';

const FIRST_BYTES = 16 * 1_024;
/** More saves little, and each connection that once carried much keeps it. */
const MOST_BYTES = 128 * 1_024;

/** Takes a chunk whose memory is used again: undefined when it is done with it, else when it will be. May throw. */
export type Take = (chunk: Buffer) => Promise<void> | undefined;

/**
 * What comes in on a socket that the service has opened, read into memory of its own that is used again and again.
 *
 * Node's streams take new memory for every 64 KiB, which is most of what a relay costs in JavaScript. Here a chunk is handed to
 * whoever takes it before the next is read; what nobody takes is kept, one chunk at most, and nothing is read meanwhile.
 */
export class Inflow {
  /** For `net.connect`. */
  readonly onread: OnReadOpts;
  #memory = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #socket: Socket | undefined;
  #kept: Buffer | undefined;
  #onKept: (() => void) | undefined;
  #take: Take | undefined;
  #onStopped = Promise.withResolvers<void>();

  constructor() {
    this.onread = { buffer: () => this.#memory, callback: (length, bytes) => this.#onBytes(length, bytes) };
  }

  /** Whether something waits to be read. */
  get isEmpty(): boolean {
    return this.#kept === undefined;
  }

  /** Reads this socket, which was made with `onread`, and tells when something is there that nobody takes. */
  start(socket: Socket, onKept: () => void): void {
    this.#socket = socket;
    this.#onKept = onKept;
    // Also for the end to be noticed.
    if (this.#kept === undefined) socket.resume();
  }

  /** What was kept; the next is read meanwhile. */
  read(): Buffer | undefined {
    const kept = this.#kept;
    this.#kept = undefined;
    if (kept !== undefined) this.#socket?.resume();
    return kept;
  }

  /**
   * Hands on what comes until it is stopped. One caller at a time, and only while it is empty.
   * @throws what `take` does
   */
  async pour(take: Take): Promise<void> {
    this.#onStopped = Promise.withResolvers();
    this.#take = take;
    await this.#onStopped.promise;
  }

  /** Lets `pour` resolve: what comes from now on is kept. Safe to call at any time. */
  stop(): void {
    this.#take = undefined;
    this.#onStopped.resolve();
  }

  #fail(error: unknown): void {
    this.#take = undefined;
    this.#onStopped.reject(error);
  }

  /** @returns whether to read on at once */
  #onBytes(length: number, bytes: Uint8Array): boolean {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, length);
    // It filled all there was: larger from the read after this.
    if (length === this.#memory.length && length < MOST_BYTES) this.#memory = Buffer.allocUnsafeSlow(MOST_BYTES);
    if (this.#take !== undefined) return this.#pass(this.#take, chunk);
    this.#kept = Buffer.from(chunk);
    this.#onKept?.();
    return false;
  }

  #pass(take: Take, chunk: Buffer): boolean {
    let rest: Promise<void> | undefined;
    try {
      rest = take(chunk);
    } catch (error) {
      this.#fail(error);
      return false;
    }
    if (rest === undefined) return true;
    rest.then(
      () => this.#socket?.resume(),
      (error: unknown) => this.#fail(error),
    );
    return false;
  }
}
