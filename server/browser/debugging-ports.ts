import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

import { AppError } from '../lib/app-error.ts';

/**
 * The ports on which browsers are debugged: those of five digits that begin with these. Nothing of a session may reach them, so
 * they are few, and told by a pattern; they lie below those that Linux gives to outgoing connections.
 */
const PREFIX = 29;
const COUNT = 1_000;
const FIRST = PREFIX * COUNT;

/**
 * Makes a browser unable to connect to any browser's debugging port, its own among them: a page sent there could drive
 * browsers past all checks. For `--host-resolver-rules`; Chromium matches the pattern against `host:port`, for addresses too.
 */
export const UNREACHABLE_DEBUGGING_PORTS = `MAP *:${PREFIX}??? ~NOTFOUND`;

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
