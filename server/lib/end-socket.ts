import type { Duplex } from 'node:stream';

const GRACE_MS = 1_000;

/** Sends the last words over a connection and ends it, whether or not the other side hangs up as well. */
export function endSocket(socket: Duplex, lastWords?: Buffer | string): void {
  // It may break while it is being ended, which is what is wanted.
  socket.on('error', () => undefined);
  if (lastWords !== undefined) socket.write(lastWords);
  socket.end();
  setTimeout(() => socket.destroy(), GRACE_MS).unref();
}
