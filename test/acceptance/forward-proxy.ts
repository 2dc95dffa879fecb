import { createServer, type IncomingHttpHeaders, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';

/** A forward proxy for a test, on loopback, that remembers what it was asked for. Disposing it ends all its connections. */
export interface ForwardProxy extends AsyncDisposable {
  /** Such as `127.0.0.1:34567`. */
  readonly address: string;
  /** Hosts and ports it was asked for, oldest first. */
  readonly asked: readonly string[];
}

/** Starts one that lets in who knows `credentials` (`user:password`), or everybody. `stack` stops it. */
export async function startForwardProxy(
  stack: AsyncDisposableStack,
  { credentials }: { readonly credentials?: string } = {},
): Promise<ForwardProxy> {
  const asked: string[] = [];
  const expected = credentials && `Basic ${Buffer.from(credentials).toString('base64')}`;
  const isLetIn = (headers: IncomingHttpHeaders): boolean =>
    expected === undefined || headers['proxy-authorization'] === expected;
  const server = createServer((incoming, response) => {
    if (!isLetIn(incoming.headers)) {
      response.writeHead(407, { 'proxy-authenticate': 'Basic realm="test"' }).end();
      return;
    }
    const { host, hostname, port, pathname, search } = new URL(incoming.url ?? '');
    asked.push(host);
    const { method = 'GET', headers } = incoming;
    const outgoing = request({ hostname, port, path: pathname + search, method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    outgoing.once('error', () => response.destroy());
    incoming.pipe(outgoing);
  });
  server.on('connect', (incoming, socket) => {
    // Whoever is sent away may break the connection.
    socket.on('error', () => undefined);
    if (!isLetIn(incoming.headers)) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="test"\r\n\r\n');
      return;
    }
    asked.push(incoming.url ?? '');
    const { hostname, port } = new URL(`tcp://${incoming.url ?? ''}`);
    const far = connect(Number(port), hostname, () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
    far.once('error', () => socket.destroy());
    socket.once('error', () => far.destroy());
    socket.pipe(far).pipe(socket);
  });
  const listening = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', listening.resolve);
  await listening.promise;
  return stack.use({
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      server.closeAllConnections();
      await closed.promise;
    },
  });
}
