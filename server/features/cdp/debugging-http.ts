import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';

import type { Browser } from '../../browser/index.ts';
import { AppError } from '../../lib/app-error.ts';
import { raceAbort } from '../../lib/deadline.ts';
import { whyNotOpen } from './allowed-url.ts';

const BROWSER_TIMEOUT_MS = 10_000;

/** The endpoints of Chromium's debugging port that are passed on; see chromedevtools.github.io/devtools-protocol. */
const ENDPOINT = /^\/json(\/(version|list|protocol|new|activate\/[\w-]+|close\/[\w-]+)?)?\/?$/;

async function askBrowser(
  port: number,
  method: string,
  path: string,
): Promise<{ status: number; type: string; body: string }> {
  const answered = Promise.withResolvers<IncomingMessage>();
  const outgoing = request({ host: '127.0.0.1', port, method, path, agent: false }, answered.resolve);
  outgoing.once('error', answered.reject);
  outgoing.end();
  const deadline = AbortSignal.timeout(BROWSER_TIMEOUT_MS);
  try {
    const response = await raceAbort(answered.promise, deadline, (late) => late.destroy());
    const body = await raceAbort(text(response), deadline);
    return { status: response.statusCode ?? 502, type: response.headers['content-type'] ?? 'text/plain', body };
  } finally {
    outgoing.destroy();
  }
}

function decodeTarget(search: string): string {
  try {
    return decodeURIComponent(search.slice(1).split('&')[0] ?? '');
  } catch {
    throw new AppError('VALIDATION_FAILED', 'The URL to open is not encoded correctly');
  }
}

/** Replaces the browser's own address by the one the client has used, with the client's token. */
function withOwnAddresses(
  body: string,
  browserPort: number,
  replacement: { host: string; token: string | null },
): string {
  const { host, token } = replacement;
  const addresses = new RegExp(`(ws=|ws://)(?:127\\.0\\.0\\.1|localhost):${browserPort}(/devtools/[\\w/-]+)`, 'g');
  const query = token === null ? '' : `?token=${encodeURIComponent(token)}`;
  return body.replace(addresses, (_whole, prefix: string, path: string) => `${prefix}${host}${path}${query}`);
}

/**
 * Answers one request to a session's own debugging port as the browser would, with addresses of this port.
 *
 * @throws {AppError} ROUTE_NOT_FOUND, VALIDATION_FAILED; whatever the connection to the browser fails with
 */
export async function answerDebuggingRequest(
  incoming: { readonly request: IncomingMessage; readonly url: URL; readonly token: string | null },
  response: ServerResponse,
  browser: Pick<Browser, 'endpoint' | 'expectPage'>,
): Promise<void> {
  const browserPort = Number(browser.endpoint.port);
  const {
    request: { method = 'GET', headers },
    url,
    token,
  } = incoming;
  if (!ENDPOINT.test(url.pathname)) throw new AppError('ROUTE_NOT_FOUND', `${url.pathname} is not served here`);
  let query = '';
  if (url.pathname.startsWith('/json/new')) {
    const target = decodeTarget(url.search) || 'about:blank';
    const why = whyNotOpen(target);
    if (why !== undefined) throw new AppError('VALIDATION_FAILED', `The tab cannot be opened: ${why}`);
    query = `?${encodeURIComponent(target)}`;
    if (method === 'PUT') await browser.expectPage();
  }
  const { status, type, body } = await askBrowser(browserPort, method, `${url.pathname}${query}`);
  const own = withOwnAddresses(body, browserPort, { host: headers.host ?? 'localhost', token });
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(own) });
  response.end(own);
}
