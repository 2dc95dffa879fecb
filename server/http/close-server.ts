import type { Socket } from 'node:net';

import type { FastifyInstance } from 'fastify';

/** How long answers under way may take to be sent once the service stops. Milliseconds. */
const CLOSE_GRACE_MS = 1_000;

/**
 * Closes the server when its app is closed, for certain.
 *
 * A server waits for every connection it has ever accepted, among them those that never send a whole request and those that
 * were upgraded and are no longer in its own list. So all are noted, and ended after a short grace.
 */
export function endConnectionsOnClose(app: FastifyInstance): void {
  const sockets = new Set<Socket>();
  let isClosing = false;
  app.server.on('connection', (socket: Socket) => {
    if (isClosing) socket.destroy();
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  app.addHook('preClose', async () => {
    isClosing = true;
    setTimeout(() => {
      for (const socket of sockets) socket.destroy();
    }, CLOSE_GRACE_MS).unref();
  });
}
