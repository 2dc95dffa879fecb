import { type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

import type { Inflow } from './inflow.ts';

/** The other side closed or broke a connection that more was expected of. */
export class PeerGone extends Error {
  override readonly name = 'PeerGone';
}

/**
 * One end of a connection, read chunk by chunk and written with regard to how fast the other side takes it.
 *
 * What it reads from the system is bounded by the socket's own buffer, so nothing piles up however unequal two peers are. The end
 * of the other side is noticed also while nobody reads (`gone`).
 */
export class Peer {
  readonly socket: Socket;
  /** Where what it sends is, for a socket that was made with one. */
  readonly inflow: Inflow | undefined;
  readonly #gone = Promise.withResolvers<void>();
  #unread: Buffer | undefined;
  #hasEnded = false;
  #wake: (() => void) | undefined;

  constructor(socket: Socket, inflow?: Inflow) {
    this.socket = socket;
    this.inflow = inflow;
    socket.on('error', () => undefined);
    if (inflow === undefined) socket.on('readable', this.#onReadable);
    else inflow.start(socket, () => this.#wake?.());
    socket.once('end', () => {
      this.#hasEnded = true;
      this.#leave();
    });
    socket.once('close', () => this.#leave());
    if (socket.destroyed) this.#leave();
  }

  /** Resolves when the other side has ended or broken the connection and all it sent before was read. */
  get gone(): Promise<void> {
    return this.#gone.promise;
  }

  /** Whether it can be written and may answer. */
  get isUsable(): boolean {
    return !this.#hasEnded && !this.socket.destroyed && this.socket.writable;
  }

  /** Whether it is usable, and has sent nothing that nobody has read. */
  get isFresh(): boolean {
    const isEmpty = this.inflow?.isEmpty ?? this.socket.readableLength === 0;
    return this.isUsable && this.#unread === undefined && isEmpty;
  }

  #leave(): void {
    this.#gone.resolve();
    this.inflow?.stop();
    this.#wake?.();
  }

  #read(): Buffer | undefined {
    if (this.inflow !== undefined) return this.inflow.read();
    return (this.socket.read() as Buffer | null) ?? undefined;
  }

  readonly #onReadable = (): void => {
    if (this.#wake !== undefined) this.#wake();
    // Only a read makes an end known. Nothing is taken by it: what comes later is kept back in the socket.
    else if (this.socket.readableLength === 0) this.socket.read(0);
  };

  /** The socket, for somebody else to read from now on. Not for one with an inflow. */
  release(): Socket {
    this.socket.off('readable', this.#onReadable);
    if (this.#unread !== undefined) this.socket.unshift(this.#unread);
    this.#unread = undefined;
    return this.socket;
  }

  /** The next bytes; undefined at the end. One caller at a time. @throws {PeerGone} when it broke */
  async next(): Promise<Buffer | undefined> {
    if (this.#unread !== undefined) {
      const unread = this.#unread;
      this.#unread = undefined;
      return unread;
    }
    for (;;) {
      const chunk = this.#read();
      if (chunk !== undefined) return chunk;
      if (this.#hasEnded) return undefined;
      if (this.socket.destroyed) throw new PeerGone('The connection broke');
      const before = this.#wake;
      await new Promise<void>((resolve) => {
        this.#wake = () => {
          before?.();
          resolve();
        };
      });
      this.#wake = undefined;
    }
  }

  /** Gives back what was read too much. */
  unread(chunk: Buffer): void {
    if (chunk.length > 0) this.#unread = this.#unread === undefined ? chunk : Buffer.concat([chunk, this.#unread]);
  }

  /** Resolves when more may be written. @throws {PeerGone} */
  async write(chunk: Buffer | string): Promise<void> {
    const { socket } = this;
    if (!socket.writable) throw new PeerGone('The connection is closed');
    if (typeof chunk === 'string' ? socket.write(chunk, 'latin1') : socket.write(chunk)) return;
    await new Promise<void>((resolve) => {
      const go = (): void => {
        socket.off('drain', go).off('close', go);
        resolve();
      };
      socket.on('drain', go).on('close', go);
    });
    if (socket.destroyed) throw new PeerGone('The connection broke');
  }

  /**
   * Writes a chunk whose memory is used again: undefined when the system has all of it, else when it will.
   * @throws {PeerGone} at once or later
   */
  writeThrough(chunk: Buffer): Promise<void> | undefined {
    const { socket } = this;
    if (!socket.writable) throw new PeerGone('The connection is closed');
    let onWritten = (): void => undefined;
    socket.write(chunk, () => onWritten());
    if (socket.writableLength === 0) return undefined;
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        socket.off('close', finish);
        if (socket.destroyed) reject(new PeerGone('The connection broke'));
        else resolve();
      };
      onWritten = finish;
      socket.on('close', finish);
    });
  }

  /** Says that nothing more comes, after what was written. */
  end(): void {
    if (this.socket.writable) this.socket.end();
  }

  /** Closes it at once; to the other side it looks like an end. */
  close(): void {
    this.socket.destroy();
  }

  /** Breaks it, so that the other side cannot take what it got for all. */
  abort(): void {
    const { socket } = this;
    // While its end is being said a socket cannot be reset: Node would neither close it nor tell. All it had to send has gone out by then.
    const isEnding = socket.writableEnded && !socket.writableFinished && socket.writableLength === 0;
    if (socket instanceof TLSSocket || socket.connecting || isEnding) socket.destroy();
    else socket.resetAndDestroy();
  }
}
