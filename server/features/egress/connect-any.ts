import { isIP, connect as connectSocket, type Socket } from 'node:net';

import type { Semaphore } from '../../lib/semaphore.ts';
import { Inflow } from './inflow.ts';

/** After how long without an answer the next address is tried as well (RFC 8305). */
const NEXT_ATTEMPT_MS = 250;
const SOCKET_OPTIONS = { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 } as const;

/** Addresses of both families in turn, beginning with that of the first. */
function alternateFamilies(addresses: readonly string[]): readonly string[] {
  const first = isIP(addresses[0] ?? '');
  const same = addresses.filter((each) => isIP(each) === first);
  const other = addresses.filter((each) => isIP(each) !== first);
  const turns = Array.from({ length: Math.max(same.length, other.length) }, (_, turn) => [same[turn], other[turn]]);
  return turns.flat().filter((each) => each !== undefined);
}

/** A connection that has been made. */
export interface Connection {
  readonly socket: Socket;
  /** What comes in on it; undefined: the socket is read as a stream. */
  readonly inflow: Inflow | undefined;
}

/** Where to connect to, and how what comes is to be read. */
export interface ConnectPlan {
  readonly addresses: readonly string[];
  readonly port: number;
  readonly reading: 'inflow' | 'stream';
  /** For those of an inflow that read the most at once. */
  readonly places: Semaphore;
}

/** Attempts at several addresses, each begun when the one before has failed or takes long; the first that connects wins. */
class Race {
  readonly #addresses: readonly string[];
  readonly #plan: ConnectPlan;
  readonly #outcome = Promise.withResolvers<Connection>();
  readonly #sockets = new Set<Socket>();
  #next = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(plan: ConnectPlan) {
    this.#addresses = alternateFamilies(plan.addresses);
    this.#plan = plan;
  }

  async run(signal: AbortSignal): Promise<Connection> {
    const stop = (): void => this.#outcome.reject(signal.reason as Error);
    if (signal.aborted) stop();
    else this.#attempt();
    signal.addEventListener('abort', stop, { once: true });
    try {
      const winner = await this.#outcome.promise;
      this.#sockets.delete(winner.socket);
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
    const { port, reading, places } = this.#plan;
    const inflow = reading === 'inflow' ? new Inflow(places) : undefined;
    const socket = connectSocket({
      host,
      port,
      ...SOCKET_OPTIONS,
      ...(inflow !== undefined && { onread: inflow.onread }),
    });
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
      this.#outcome.resolve({ socket, inflow });
    });
    this.#timer = setTimeout(() => this.#attempt(), NEXT_ATTEMPT_MS);
  }
}

/**
 * A connection to whichever of some addresses answers first. The caller must destroy it; it carries an error listener already.
 * @throws the error of the last that failed, or the signal's reason
 */
export async function connectAny(plan: ConnectPlan, signal: AbortSignal): Promise<Connection> {
  return new Race(plan).run(signal);
}
