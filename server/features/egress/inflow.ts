import type { OnReadOpts, Socket } from 'node:net';

import type { Semaphore, Slot } from '../../lib/semaphore.ts';

const FIRST_BYTES = 16 * 1_024;
/** Once a read has filled what there was. A connection keeps it. */
const MORE_BYTES = 128 * 1_024;
/** Once a read has filled that too, while there is a place among those that read so much. */
const MOST_BYTES = 512 * 1_024;

/** How many may read the most at once: with a service that is too busy to read often, all would. */
export const MOST_AT_ONCE = 32;

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
  readonly #places: Pick<Semaphore, 'tryAcquire'>;
  #place: Slot | undefined;
  #memory = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #socket: Socket | undefined;
  #kept: Buffer | undefined;
  #onKept: (() => void) | undefined;
  #take: Take | undefined;
  #onStopped = Promise.withResolvers<void>();

  /** @param places for those that read the most at once */
  constructor(places: Pick<Semaphore, 'tryAcquire'>) {
    this.#places = places;
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
    if (this.#place === undefined) return;
    this.#place[Symbol.dispose]();
    this.#place = undefined;
    // From the read after the next: that one's memory is fixed already.
    this.#memory = Buffer.allocUnsafeSlow(FIRST_BYTES);
  }

  #fail(error: unknown): void {
    this.#take = undefined;
    this.#onStopped.reject(error);
  }

  /** @returns whether to read on at once */
  #onBytes(length: number, bytes: Uint8Array): boolean {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, length);
    if (this.#take !== undefined) {
      if (length === bytes.byteLength) this.#grow(length);
      return this.#pass(this.#take, chunk);
    }
    this.#kept = Buffer.from(chunk);
    this.#onKept?.();
    return false;
  }

  /** It filled all there was: larger from the next read on. */
  #grow(filledBytes: number): void {
    if (filledBytes < MORE_BYTES) this.#memory = Buffer.allocUnsafeSlow(MORE_BYTES);
    else if (this.#place === undefined) {
      this.#place = this.#places.tryAcquire();
      if (this.#place !== undefined) this.#memory = Buffer.allocUnsafeSlow(MOST_BYTES);
    }
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
