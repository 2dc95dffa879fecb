import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/** A web server on loopback for the pages of a test. `stack` stops it. Returns its origin. */
export async function openPageServer(
  stack: AsyncDisposableStack,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const server = createServer(answer);
  const listening = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', listening.resolve);
  await listening.promise;
  stack.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('The page server has no address');
  return `http://127.0.0.1:${address.port}`;
}
