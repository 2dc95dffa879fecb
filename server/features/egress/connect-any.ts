import { isIP, connect as connectSocket, type Socket } from 'node:net';

/** After how long without an answer the next address is tried as well (RFC 8305). */
const NEXT_ATTEMPT_MS = 250;
const KEEP_ALIVE_MS = 60_000;

/** Addresses of both families in turn, beginning with that of the first. */
function alternateFamilies(addresses: readonly string[]): readonly string[] {
  const first = isIP(addresses[0] ?? '');
  const same = addresses.filter((each) => isIP(each) === first);
  const other = addresses.filter((each) => isIP(each) !== first);
  const turns = Array.from({ length: Math.max(same.length, other.length) }, (_, turn) => [same[turn], other[turn]]);
  return turns.flat().filter((each) => each !== undefined);
}

/** Attempts at several addresses, each begun when the one before has failed or takes long; the first that connects wins. */
class Race {
  readonly #addresses: readonly string[];
  readonly #port: number;
  readonly #outcome = Promise.withResolvers<Socket>();
  readonly #sockets = new Set<Socket>();
  #next = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(addresses: readonly string[], port: number) {
    this.#addresses = addresses;
    this.#port = port;
  }

  async run(signal: AbortSignal): Promise<Socket> {
    const stop = (): void => this.#outcome.reject(signal.reason as Error);
    if (signal.aborted) stop();
    else this.#attempt();
    signal.addEventListener('abort', stop, { once: true });
    try {
      const winner = await this.#outcome.promise;
      this.#sockets.delete(winner);
      return winner;
    } finally {
      signal.removeEventListener('abort', stop);
      clearTimeout(this.#timer);
      this.#next = this.#addresses.length;
      for (const loser of this.#sockets) loser.destroy();
    }
  }

  #attempt(): void {
    clearTimeout(this.#timer);
    const host = this.#addresses[this.#next];
    if (host === undefined) return;
    this.#next += 1;
    // An address is never looked up: what was checked is what is dialled.
    const socket = connectSocket({ host, port: this.#port, allowHalfOpen: true, noDelay: true, keepAlive: true });
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    this.#sockets.add(socket);
    const fail = (error: Error): void => {
      this.#sockets.delete(socket);
      if (this.#next < this.#addresses.length) this.#attempt();
      else if (this.#sockets.size === 0) this.#outcome.reject(error);
    };
    socket.once('error', fail);
    socket.once('connect', () => {
      socket.off('error', fail);
      // Whoever loses may still fail before it is gone.
      socket.on('error', () => undefined);
      this.#outcome.resolve(socket);
    });
    this.#timer = setTimeout(() => this.#attempt(), NEXT_ATTEMPT_MS);
  }
}

/**
 * A connection to whichever of some addresses answers first. The caller must destroy it; it carries an error listener already.
 * @throws the error of the last that failed, or the signal's reason
 */
export async function connectAny(addresses: readonly string[], port: number, signal: AbortSignal): Promise<Socket> {
  return new Race(alternateFamilies(addresses), port).run(signal);
}
