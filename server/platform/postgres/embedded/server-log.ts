import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

import type { Logger } from '../../logger/logger.ts';

const LINES_KEPT = 30;
const SEVERITY = /^(?<severity>[A-Z]+\d?):\s/;

/** The server's own log: passed on to ours, its last lines kept for error messages. */
export class ServerLog {
  readonly #logger: Logger;
  readonly #lines: string[] = [];

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Reads until the stream ends: a full pipe would stop the server. */
  follow(stream: Readable): void {
    createInterface({ input: stream }).on('line', (line) => this.#take(line));
  }

  get lastLines(): string {
    return this.#lines.join('\n');
  }

  #take(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > LINES_KEPT) this.#lines.shift();
    const severity = SEVERITY.exec(line)?.groups?.['severity'];
    if (severity === 'PANIC') this.#logger.error({ line }, 'embedded database log');
    else if (severity === 'FATAL' || severity === 'WARNING') this.#logger.warn({ line }, 'embedded database log');
    // ERROR among these: it is an answer to a client, which knows it.
    else this.#logger.debug({ line }, 'embedded database log');
  }
}
