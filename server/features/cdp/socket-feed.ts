import type { Socket } from 'node:net';

import { FrameBoundary } from './frame-boundary.ts';

interface Injection {
  readonly frame: Buffer;
  readonly onWritten: (() => void) | undefined;
}

/**
 * The stream to a client: what the browser sends, as it is, and frames of our own between two of its messages.
 *
 * A frame of ours waits while a message of the browser is under way.
 */
export class SocketFeed {
  readonly #client: Socket;
  readonly #boundary = new FrameBoundary();
  #waiting: Injection[] = [];
  #waitingBytes = 0;

  constructor(client: Socket) {
    this.#client = client;
  }

  /** Bytes the client has not taken yet. */
  get backlogBytes(): number {
    return this.#waitingBytes + this.#client.writableLength;
  }

  /** Whether a control frame may be written now. */
  get canControl(): boolean {
    return this.#boundary.isBetweenFrames && !this.#boundary.sawClose;
  }

  /** Hands bytes of the browser on. */
  pass(chunk: Buffer): void {
    let rest = chunk;
    if (this.#waiting.length > 0) {
      const end = this.#boundary.pushToBoundary(rest);
      this.#client.write(rest.subarray(0, end));
      rest = rest.subarray(end);
      this.#flush();
    }
    if (rest.length === 0 || this.#client.writableEnded) return;
    this.#boundary.push(rest);
    this.#client.write(rest);
  }

  /** Puts a frame between two messages of the browser, now or as soon as one ends. `onWritten` is called after that. */
  inject(frame: Buffer, onWritten?: () => void): void {
    this.#waiting.push({ frame, onWritten });
    this.#waitingBytes += frame.length;
    this.#flush();
  }

  #flush(): void {
    // After a Close frame of the browser nothing may follow.
    if (!this.#boundary.isBetweenMessages || this.#boundary.sawClose) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const { frame, onWritten } of waiting) {
      this.#client.write(frame);
      onWritten?.();
    }
  }
}
