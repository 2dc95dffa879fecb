import { raceAbort } from '../../lib/deadline.ts';

/** Longer messages go in several frames of this size, so that it can be seen that a slow client still takes them. */
const FRAME_BYTES = 256 * 1024;
/** As much is given to the socket before it has taken any of it. */
const WINDOW_BYTES = 1024 ** 2;

/** The part of a WebSocket that sends; calls back when the kernel has taken the frame, or the connection has failed. */
interface FrameSink {
  send(
    frame: Buffer,
    options: { readonly binary: boolean; readonly fin: boolean },
    taken: (error?: Error | null) => void,
  ): void;
}

/**
 * What is on its way to one client: messages in order, given to the socket as fast as the client takes them.
 *
 * Nothing is refused and nothing forgotten here: those who send look at `bytes`, or wait with `whenBelow`, before they make more.
 */
export class Outbox {
  readonly #socket: FrameSink;
  readonly #onChange: () => void;
  readonly #waiting: Buffer[] = [];
  /** How much of the first message waiting has been given to the socket. */
  #offset = 0;
  #bytes = 0;
  #inSocket = 0;
  #lastProgressAt = 0;
  #changed = Promise.withResolvers<void>();

  /** `onChange` is called whenever `bytes` has changed. */
  constructor(socket: FrameSink, onChange: () => void) {
    this.#socket = socket;
    this.#onChange = onChange;
  }

  /** Bytes of messages that the client's side of the connection has not taken yet. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Milliseconds since the client took anything of what waits for it; 0 when nothing does. */
  stalledMs(): number {
    return this.#bytes === 0 ? 0 : performance.now() - this.#lastProgressAt;
  }

  send(text: string): void {
    const message = Buffer.from(text);
    if (this.#bytes === 0) this.#lastProgressAt = performance.now();
    this.#waiting.push(message);
    this.#bytes += message.length;
    this.#flush();
    this.#onChange();
  }

  /** Resolves when less than `limit` bytes are on their way. Rejects when `signal` is aborted first. */
  async whenBelow(limit: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    while (this.#bytes >= limit) await raceAbort(this.#changed.promise, signal);
  }

  #flush(): void {
    for (let message = this.#waiting[0]; message !== undefined; message = this.#waiting[0]) {
      if (this.#inSocket >= WINDOW_BYTES) return;
      const frame = message.subarray(this.#offset, this.#offset + FRAME_BYTES);
      this.#offset += frame.length;
      const fin = this.#offset >= message.length;
      if (fin) {
        this.#waiting.shift();
        this.#offset = 0;
      }
      this.#inSocket += frame.length;
      this.#socket.send(frame, { binary: false, fin }, (error) => {
        // It is closed then, and everybody who waits has a signal that says so.
        if (error === undefined || error === null) this.#onTaken(frame.length);
      });
    }
  }

  #onTaken(bytes: number): void {
    this.#inSocket -= bytes;
    this.#bytes -= bytes;
    this.#lastProgressAt = performance.now();
    this.#flush();
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
    this.#onChange();
  }
}
