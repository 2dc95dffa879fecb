import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { Aim, PageAttempt } from './page-attempt.ts';

/** The one address that sessions are allowed: nothing else is there. */
export const SITE_ADDRESS = '127.0.0.9';

/** An attempt and where it is aimed at. */
interface AimedAttempt {
  readonly attempt: PageAttempt;
  readonly aim: Aim;
}

/** The attacker's site, which sessions may open. */
export interface AttackSite {
  /** Such as `http://127.0.0.9:34567`. */
  readonly origin: string;
  readonly port: number;
  /** What has been asked of it: `Host` and path. */
  readonly asked: readonly string[];
  /** Serves an attempt's document, and gives its path. */
  add(aimed: AimedAttempt): string;
  /** Serves a page of documents in frames, and gives its path. */
  addFrames(paths: readonly string[]): string;
}

const FRAME_ALLOW = 'autoplay; local-network-access *; loopback-network *; local-network *';

function serveFixed(path: string, query: string, response: ServerResponse): boolean {
  if (path === '/redirect') {
    const [status = '302', ...url] = decodeURIComponent(query).split(' ');
    response.writeHead(Number(status), { location: url.join(' '), 'access-control-allow-origin': '*' }).end();
    return true;
  }
  if (path === '/image') {
    response.writeHead(200, { 'content-type': 'text/html' }).end(`<img src="${query}">`);
    return true;
  }
  if (path === '/service-worker.js') {
    const source = `oninstall = (event) => event.waitUntil(fetch('http://${query}/', { mode: 'no-cors' }))`;
    response.writeHead(200, { 'content-type': 'text/javascript' }).end(source);
    return true;
  }
  return false;
}

/** Starts the site. `stack` stops it. */
export async function startAttackSite(stack: AsyncDisposableStack): Promise<AttackSite> {
  const documents = new Map<string, (response: ServerResponse) => void>();
  const asked: string[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    const [path = '', ...rest] = (request.url ?? '/').split('?');
    asked.push(`${request.headers.host ?? ''}${request.url ?? ''}`);
    // A name that points elsewhere the next time must be looked up again.
    response.setHeader('connection', 'close');
    if (serveFixed(path, rest.join('?'), response)) return;
    const serve = documents.get(path);
    if (serve === undefined) response.writeHead(200, { 'content-type': 'text/html' }).end('<title>Site</title>');
    else serve(response);
  });
  const listening = Promise.withResolvers<void>();
  server.listen(0, SITE_ADDRESS, listening.resolve);
  await listening.promise;
  stack.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const origin = `http://${SITE_ADDRESS}:${port}`;
  const put = (serve: (response: ServerResponse) => void): string => {
    const path = `/document/${documents.size}`;
    documents.set(path, serve);
    return path;
  };
  return {
    origin,
    port,
    asked,
    add: ({ attempt, aim }) =>
      put((response) => {
        if (attempt.hints !== undefined) response.writeEarlyHints({ link: attempt.hints(aim) });
        const head = { 'content-type': 'text/html; charset=utf-8', ...attempt.headers?.(aim) };
        response.writeHead(attempt.status ?? 200, head).end(`<!doctype html><meta charset=utf-8>${attempt.html(aim)}`);
      }),
    addFrames: (paths) =>
      put((response) => {
        const frames = paths.map((path) => `<iframe allow="${FRAME_ALLOW}" src="${path}"></iframe>`);
        response.writeHead(200, { 'content-type': 'text/html' }).end(`<!doctype html>${frames.join('')}`);
      }),
  };
}
