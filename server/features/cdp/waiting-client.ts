import type { IncomingClient } from './cdp-relay.ts';

/** A client that has to wait has nothing to say yet; one that sends more than this is not read on. Bytes. */
const MOST_EARLY_BYTES = 64 * 1024;

/**
 * Watches a client that has asked for an upgrade and has to wait for it: that it goes away is only noticed by reading.
 *
 * What it sends meanwhile is kept. Disposing it stops the watch and leaves the socket paused.
 */
export class WaitingClient implements Disposable {
  readonly #incoming: IncomingClient;
  readonly #gone = new AbortController();
  readonly #early: Buffer[] = [];
  #earlyBytes = 0;
  #isOver = false;

  constructor(incoming: IncomingClient) {
    this.#incoming = incoming;
    const { socket } = incoming;
    socket.on('data', this.#keep);
    // The server keeps its side of a connection open when the client ends its own.
    socket.once('end', this.#leave);
    socket.once('close', this.#leave);
  }

  /** Aborted when the client has gone. */
  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  /** Ends the watch; returns the client with all it has sent. */
  take(): IncomingClient {
    this[Symbol.dispose]();
    return { ...this.#incoming, head: Buffer.concat([this.#incoming.head, ...this.#early.splice(0)]) };
  }

  [Symbol.dispose](): void {
    // Whoever took the client reads it now.
    if (this.#isOver) return;
    this.#isOver = true;
    const { socket } = this.#incoming;
    socket.pause();
    socket.off('data', this.#keep);
    socket.off('end', this.#leave);
    socket.off('close', this.#leave);
  }

  readonly #keep = (chunk: Buffer): void => {
    this.#early.push(chunk);
    this.#earlyBytes += chunk.length;
    if (this.#earlyBytes > MOST_EARLY_BYTES) this.#incoming.socket.pause();
  };

  readonly #leave = (): void => this.#gone.abort(new Error('The client went away'));
}
