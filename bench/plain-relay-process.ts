import { connect, createServer } from 'node:net';

/**
 * A process that joins every connection to it with one to a port, byte by byte, until its parent is gone.
 *
 * There is no less a relay written in JavaScript could do.
 */
const targetPort = Number(process.argv[2]);

const server = createServer({ noDelay: true }, (client) => {
  const target = connect({ port: targetPort, host: '127.0.0.1', noDelay: true });
  client.pipe(target).pipe(client);
  const end = (): void => {
    client.destroy();
    target.destroy();
  };
  for (const socket of [client, target]) socket.on('error', end).on('close', end);
});
server.listen(0, '127.0.0.1', () => process.send?.(server.address()));
process.once('disconnect', () => process.exit(0));
