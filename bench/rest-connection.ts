import { Agent, type IncomingMessage, request } from 'node:http';
import { buffer } from 'node:stream/consumers';

const REQUEST_TIMEOUT_MS = 60_000;

/** An answer that has arrived whole. */
export interface RestAnswer {
  readonly body: Buffer;
  /** Milliseconds from before the request was written until the last byte of the answer. */
  readonly durationMs: number;
}

/** One keep-alive connection to the service's API, opened when first used. Whoever makes it disposes it. */
export class RestConnection implements Disposable {
  readonly #origin: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  readonly #headers: Readonly<Record<string, string>>;

  /** `headers` go with each request, such as the key of a service that wants one. */
  constructor(origin: string, headers: Readonly<Record<string, string>> = {}) {
    this.#origin = origin;
    this.#headers = headers;
  }

  /** @throws on any answer that is not a success, with its text */
  async send(
    method: 'GET' | 'POST' | 'DELETE',
    { path, body }: { readonly path: string; readonly body?: object },
    signal: AbortSignal,
  ): Promise<RestAnswer> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const startedAt = performance.now();
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const outgoing = request(new URL(path, this.#origin), {
      method,
      agent: this.#agent,
      signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
      headers: {
        ...this.#headers,
        ...(text !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
      },
    });
    outgoing.once('response', resolve);
    outgoing.on('error', reject);
    outgoing.end(text);
    const response = await promise;
    const answer = { body: await buffer(response), durationMs: performance.now() - startedAt };
    const { statusCode = 0 } = response;
    if (statusCode < 200 || statusCode > 299) {
      throw new Error(`${method} ${path} was answered with ${statusCode}: ${answer.body.toString('utf8')}`);
    }
    return answer;
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}
