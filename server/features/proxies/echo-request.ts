import http from 'node:http';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';

import { raceAbort, toError } from '../../lib/deadline.ts';
import type { Destination } from '../egress/index.ts';
import { CheckFailure } from './proxy-failures.ts';

/** An address fits in far less. */
const MAX_ANSWER_BYTES = 16 * 1024;

/** What a request to the echo server has shown. */
export interface EchoAnswer {
  /** The address it was made from, as the server has seen it. */
  readonly address: string;
  /** Milliseconds until there was a connection to the server, all of the proxy's greeting included. */
  readonly connectMs: number;
  /** Milliseconds until the whole answer was there. */
  readonly latencyMs: number;
}

/** IPv4 where IPv6 only wraps it. */
function unwrapAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}

/** The address in an answer: all of its text, or the `ip` of a JSON object. @throws {CheckFailure} echo_failed */
function parseEcho(text: string): string {
  const trimmed = text.trim();
  const address = unwrapAddress(trimmed.startsWith('{') ? readIpField(trimmed) : trimmed);
  if (isIP(address) !== 0 && !address.includes('%')) return address;
  throw new CheckFailure('echo_failed');
}

function readIpField(json: string): string {
  try {
    const { ip } = JSON.parse(json) as { ip?: unknown };
    return typeof ip === 'string' ? ip : '';
  } catch {
    // Not JSON: it is no address then.
    return '';
  }
}

async function secure(socket: Duplex, host: string): Promise<Duplex> {
  const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
  const secured = tls.connect({ socket, host, ...(isIP(host) === 0 ? { servername: host } : {}) });
  secured.once('secureConnect', () => resolve(secured)).once('error', reject);
  return promise;
}

async function readAnswer(response: http.IncomingMessage): Promise<string> {
  if (response.statusCode !== 200) throw new CheckFailure('echo_failed');
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of response) {
    pieces.push(piece as Buffer);
    length += (piece as Buffer).length;
    if (length > MAX_ANSWER_BYTES) throw new CheckFailure('echo_failed');
  }
  return Buffer.concat(pieces).toString();
}

async function get(url: URL, socket: Duplex): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
  http
    .get({
      host: url.hostname,
      path: `${url.pathname}${url.search}`,
      headers: { host: url.host, accept: 'application/json, text/plain', connection: 'close' },
      createConnection: () => socket,
    })
    .once('response', resolve)
    .once('error', reject);
  return readAnswer(await promise);
}

async function ask(url: URL, socket: Duplex): Promise<string> {
  try {
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
    return parseEcho(await get(url, url.protocol === 'https:' ? await secure(socket, host) : socket));
  } catch (error) {
    throw error instanceof CheckFailure ? error : new CheckFailure('echo_failed', { cause: toError(error) });
  }
}

/**
 * Asks an echo server from which address it is asked. `connect` makes the connection to it.
 *
 * @throws {CheckFailure} echo_failed, what `connect` rejects with, and the signal's reason when it is aborted
 */
export async function requestEcho(
  url: URL,
  connect: (destination: Destination, signal: AbortSignal) => Promise<Duplex>,
  signal: AbortSignal,
): Promise<EchoAnswer> {
  const began = performance.now();
  const elapsed = (): number => Math.round(performance.now() - began);
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const discard = (late: Duplex): void => void late.destroy();
  const socket = await raceAbort(connect({ host, port }, signal), signal, discard);
  // A proxy that breaks off between its steps tells nobody else.
  socket.on('error', () => undefined);
  const connectMs = elapsed();
  try {
    const address = await raceAbort(ask(url, socket), signal);
    return { address, connectMs, latencyMs: elapsed() };
  } finally {
    socket.destroy();
  }
}
