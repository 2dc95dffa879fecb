import { connect, createServer, type Socket } from 'node:net';

/**
 * A process that joins every connection to it with one to a port, byte by byte, until its parent is gone.
 *
 * There is no less a relay written in JavaScript could do: what comes back is read into memory that is used again.
 */
const targetPort = Number(process.argv[2]);

const MEMORY_BYTES = 128 * 1_024;

/** Passes on what a connection is asked for, and what is answered. */
function join(client: Socket): void {
  const memory = Buffer.allocUnsafeSlow(MEMORY_BYTES);
  const pass = (length: number): boolean => {
    // The memory is free once the system has taken all there was.
    client.write(memory.subarray(0, length), () => target.resume());
    return client.writableLength === 0;
  };
  const onread = { buffer: memory, callback: pass };
  const target = connect({ port: targetPort, host: '127.0.0.1', noDelay: true, onread });
  client.pipe(target);
  target.once('end', () => client.end());
  const end = (): void => {
    client.destroy();
    target.destroy();
  };
  for (const socket of [client, target]) socket.on('error', end).on('close', end);
}

const server = createServer({ noDelay: true }, join);
server.listen(0, '127.0.0.1', () => process.send?.(server.address()));
process.once('disconnect', () => process.exit(0));
