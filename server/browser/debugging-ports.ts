import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

import { AppError } from '../lib/app-error.ts';

/**
 * The ports on which browsers are debugged. Nothing of a session may reach them, as a page sent there could drive browsers past all
 * checks: the egress policy refuses the whole range. It lies below the ports that Linux gives to outgoing connections.
 */
const FIRST = 29_000;
const COUNT = 1_000;

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const outcome = Promise.withResolvers<boolean>();
  server.once('error', () => outcome.resolve(false));
  server.listen({ port, host: '127.0.0.1', exclusive: true }, () => outcome.resolve(true));
  const free = await outcome.promise;
  if (free) await new Promise((resolve) => server.close(resolve));
  return free;
}

/** A port for one browser. Disposing it gives it back. */
export interface DebuggingPort extends Disposable {
  readonly port: number;
}

/** Gives each browser of this process a port to be debugged on. */
export class DebuggingPorts {
  readonly #taken = new Set<number>();
  // Another service on this machine is likely to begin elsewhere.
  #next = randomInt(COUNT);

  /** A port nobody listens on now. The caller must dispose it. @throws {AppError} BROWSER_LAUNCH_FAILED when there is none */
  async take(): Promise<DebuggingPort> {
    for (let tries = 0; tries < COUNT; tries += 1) {
      const port = FIRST + this.#next;
      this.#next = (this.#next + 1) % COUNT;
      if (this.#taken.has(port)) continue;
      this.#taken.add(port);
      if (await isFree(port)) return { port, [Symbol.dispose]: () => this.#taken.delete(port) };
      this.#taken.delete(port);
    }
    throw new AppError('BROWSER_LAUNCH_FAILED', `No port from ${FIRST} to ${FIRST + COUNT - 1} is free for a browser`);
  }
}
