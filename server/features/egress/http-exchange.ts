import { createBodyEnd } from './body-end.ts';
import { copyBody, copyBoth, type Counts } from './copy-stream.ts';
import { ConnectionFailed } from './egress-problem.ts';
import { frameRequest, frameResponse, MalformedMessage, parseResponseHead, type RequestHead } from './http-head.ts';
import { type Peer, PeerGone } from './peer.ts';
import { toAbsoluteHead, toDirectHead, toHttpTarget } from './proxy-request.ts';
import { readHead } from './read-head.ts';
import type { Way } from './route-finder.ts';
import { asksForProxyCredentials, toAuthFailure, toProxyAuthorization } from './upstream-handshake.ts';

const SWITCHING_PROTOCOLS = 101;
/** Statuses below are followed by another answer to the same request. */
const FIRST_FINAL = 200;

/** The site closed the connection without any answer. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

/** One request and its answer, passed on as they are while both flow. */
export class HttpExchange {
  readonly #client: Peer;
  readonly #way: Way;
  readonly #counts: Counts;
  #uploadError: unknown;
  #isUploaded = false;
  #hasAnswered = false;

  constructor(client: Peer, way: Way, counts: Counts) {
    this.#client = client;
    this.#way = way;
    this.#counts = counts;
  }

  /** Whether the browser has got any of the answer. */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  /**
   * @returns whether another request may follow on both connections
   * @throws {MalformedMessage} when the request is
   * @throws {NoAnswer}
   * @throws {ConnectionFailed} when the answer is none that the browser may see
   * @throws {PeerGone} when either side breaks in the middle
   */
  async run(request: RequestHead): Promise<boolean> {
    const upload = this.#upload(request);
    try {
      const mayFollow = await this.#download(request);
      return mayFollow && this.#isUploaded;
    } catch (error) {
      if (this.#uploadError instanceof MalformedMessage) throw this.#uploadError;
      if (!(error instanceof MalformedMessage)) throw error;
      throw new ConnectionFailed('unreachable', `The site does not speak HTTP: ${error.message}`, { cause: error });
    } finally {
      // The answer may be complete before the request: whoever sends on is cut off.
      if (!this.#isUploaded) this.#way.peer.abort();
      void upload;
    }
  }

  async #upload(request: RequestHead): Promise<void> {
    const { peer, upstream, isAbsoluteForm } = this.#way;
    try {
      const end = createBodyEnd(frameRequest(request), 'strict');
      const head = isAbsoluteForm ? toAbsoluteHead(request) : toDirectHead(request, toHttpTarget(request).path);
      const secret = isAbsoluteForm && upstream !== undefined ? toProxyAuthorization(upstream) : '';
      this.#counts.sent(head.length + (isAbsoluteForm ? 2 : 0));
      await peer.write(isAbsoluteForm ? `${head}${secret}\r\n` : head);
      await copyBody({ from: this.#client, to: peer }, end, this.#counts.sent);
      this.#isUploaded = true;
    } catch (error) {
      this.#uploadError = error;
      // A site that has stopped reading may have said why: its answer is waited for.
      if (peer.isUsable || !(error instanceof PeerGone)) peer.abort();
    }
  }

  async #download(request: RequestHead): Promise<boolean> {
    const { peer } = this.#way;
    for (;;) {
      const bytes = await readHead(peer);
      if (bytes === undefined) throw new NoAnswer('The site closed the connection without an answer');
      const response = parseResponseHead(bytes);
      if (asksForProxyCredentials(response)) throw this.#toAuthFailure();
      const framing = frameResponse(response, request.method);
      this.#counts.received(bytes.length);
      this.#hasAnswered = true;
      await this.#client.write(bytes);
      if (response.status === SWITCHING_PROTOCOLS) return this.#becomeTunnel();
      if (response.status < FIRST_FINAL) continue;
      return copyBody({ from: peer, to: this.#client }, createBodyEnd(framing, 'lenient'), this.#counts.received);
    }
  }

  async #becomeTunnel(): Promise<false> {
    if (!this.#isUploaded) throw new PeerGone('The site switched protocols in the middle of a request');
    await copyBoth(this.#client, this.#way.peer, this.#counts);
    return false;
  }

  /** A browser would ask its user for credentials. */
  #toAuthFailure(): ConnectionFailed {
    const { upstream, isAbsoluteForm } = this.#way;
    if (upstream !== undefined && isAbsoluteForm) return toAuthFailure(upstream);
    return new ConnectionFailed('unreachable', 'The site answers as only a proxy may');
  }
}
