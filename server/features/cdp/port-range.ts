import type { Server } from 'node:net';

import { AppError } from '../../lib/app-error.ts';

/** The ports on which sessions listen, one each. */
export class PortRange {
  readonly #base: number;
  readonly #count: number;
  readonly #host: string;
  readonly #listening: Set<number>;
  readonly #taken = new Set<number>();
  #next = 0;

  /** `base` 0: any free ports. `listening` is kept to hold those that are listened on. */
  constructor(range: {
    readonly base: number;
    readonly count: number;
    readonly host: string;
    readonly listening: Set<number>;
  }) {
    this.#base = range.base;
    this.#count = range.count;
    this.#host = range.host;
    this.#listening = range.listening;
  }

  /**
   * Lets `server` listen on the next free port and returns it. Give it back with `release`.
   *
   * That is `preferred`, if it is free. Else ports are taken in turn, so that one is not used again while somebody may still hold its old address. One that a
   * stranger listens on is passed over.
   *
   * @throws {AppError} CAPACITY_EXHAUSTED when none is free
   */
  async listen(server: Server, preferred?: number): Promise<number> {
    if (preferred !== undefined && (await this.#take(server, preferred))) return preferred;
    if (this.#base === 0) return this.#tryListen(server, 0);
    for (let tries = 0; tries < this.#count; tries += 1) {
      const port = this.#base + this.#next;
      this.#next = (this.#next + 1) % this.#count;
      if (await this.#take(server, port)) return port;
    }
    throw new AppError('CAPACITY_EXHAUSTED', 'No CDP port is free on this node', {
      extensions: { retryAfterSeconds: 1 },
    });
  }

  release(port: number): void {
    this.#taken.delete(port);
    this.#listening.delete(port);
  }

  /** Whether the port was free, and is the server's now. */
  async #take(server: Server, port: number): Promise<boolean> {
    if (this.#taken.has(port)) return false;
    this.#taken.add(port);
    try {
      await this.#tryListen(server, port);
      return true;
    } catch (error) {
      this.#taken.delete(port);
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      return false;
    }
  }

  async #tryListen(server: Server, port: number): Promise<number> {
    const listening = Promise.withResolvers<void>();
    server.once('error', listening.reject);
    server.listen({ port, host: this.#host }, listening.resolve);
    try {
      await listening.promise;
    } finally {
      server.off('error', listening.reject);
    }
    const address = server.address();
    const own = typeof address === 'object' && address !== null ? address.port : port;
    this.#listening.add(own);
    return own;
  }
}
