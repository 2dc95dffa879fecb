import { type Agent, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** An HTTP answer, read whole. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The body as text. */
  readonly text: string;
  /** The body as JSON. @throws {SyntaxError} when it is none */
  json(): unknown;
}

export interface RequestOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** Default: a connection for this request alone, closed after it. */
  readonly agent?: Agent;
  readonly signal?: AbortSignal;
}

/**
 * Sends one request exactly as given, also with headers that `fetch` refuses to send, such as Host.
 *
 * @throws whatever the connection fails with, or the signal's reason
 */
export async function send(url: string, options: RequestOptions = {}): Promise<Answer> {
  const { method = 'GET', headers = {}, body, agent = false, signal } = options;
  const answered = Promise.withResolvers<IncomingMessage>();
  const outgoing = request(url, { method, headers, agent, ...(signal && { signal }) }, answered.resolve);
  outgoing.on('error', answered.reject);
  outgoing.end(body);
  const response = await answered.promise;
  const bytes = await buffer(response);
  const text = bytes.toString();
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: bytes,
    text,
    json: () => JSON.parse(text) as unknown,
  };
}

/** What happens to who connects to a port of this machine: `connected`, or the code of the error. */
export async function tryConnect(port: number): Promise<string> {
  const outcome = Promise.withResolvers<string>();
  const socket = connect(port, '127.0.0.1');
  socket.once('connect', () => outcome.resolve('connected'));
  socket.once('error', (error: NodeJS.ErrnoException) => outcome.resolve(error.code ?? error.message));
  try {
    return await outcome.promise;
  } finally {
    socket.destroy();
  }
}
