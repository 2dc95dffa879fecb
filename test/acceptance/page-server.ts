import { createServer, type IncomingMessage, type RequestListener } from 'node:http';

/** A web site for a test. Disposing it ends all its connections. */
export interface PageServer extends AsyncDisposable {
  /** Such as `http://127.0.0.1:34567`. */
  readonly origin: string;
  /** Requests that have arrived, oldest first. */
  readonly requests: readonly IncomingMessage[];
  /** Serves `content` at `path`: an HTML page, or whatever a listener answers. Unknown paths are 404. */
  on(path: string, content: string | RequestListener): void;
}

/** Where pages are served: another address of this machine than loopback, where browsers are that cannot reach that. */
const { GUISE_PAGES_HOST: HOST = '127.0.0.1' } = process.env;

/** Starts a site without pages. `stack` stops it. */
export async function startPageServer(stack: AsyncDisposableStack): Promise<PageServer> {
  const pages = new Map<string, string | RequestListener>();
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    const content = pages.get(request.url?.split('?', 1)[0] ?? '/');
    if (typeof content === 'function') {
      content(request, response);
      return;
    }
    response.writeHead(content === undefined ? 404 : 200, { 'content-type': 'text/html; charset=utf-8' });
    response.end(content ?? '<title>Not here</title>');
  });
  const listening = Promise.withResolvers<void>();
  server.listen(0, HOST, listening.resolve);
  await listening.promise;
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The page server has no port');
  return stack.use({
    origin: `http://${HOST}:${address.port}`,
    requests,
    on: (path, content) => void pages.set(path, content),
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      server.closeAllConnections();
      await closed.promise;
    },
  });
}
