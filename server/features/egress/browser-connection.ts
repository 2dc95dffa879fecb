import type { Socket } from 'node:net';

import { copyBoth } from './copy-stream.ts';
import { ConnectionFailed, ConnectionRefused } from './egress-problem.ts';
import type { Destination } from './egress-rules.ts';
import { toAnswer, toErrorAnswer } from './error-page.ts';
import { HttpExchange, NoAnswer } from './http-exchange.ts';
import { frameRequest, MalformedMessage, parseRequestHead, type RequestHead } from './http-head.ts';
import { Peer, PeerGone } from './peer.ts';
import { isNavigation, NoHost, toConnectTarget, toHttpTarget } from './proxy-request.ts';
import { readHead } from './read-head.ts';
import { type BrowserContext, RouteFinder, type Way } from './route-finder.ts';

const ESTABLISHED = 'HTTP/1.1 200 Connection established\r\n\r\n';

/** Whether it is the site itself that does not answer, and nothing on the way. */
function isOfSite({ reason }: ConnectionRefused | ConnectionFailed): boolean {
  return reason === 'name_not_resolved' || reason === 'unreachable';
}

/**
 * One connection of a browser to its proxy: a tunnel, or `http` requests one after another.
 *
 * Each has at most one connection to a site, which begins with the first request and ends with it: to the site it looks as if
 * the browser had connected itself, and when the site closes, so is the browser's. Only a request for another site changes it.
 */
export class BrowserConnection {
  readonly #client: Peer;
  readonly #context: BrowserContext;
  readonly #finder: RouteFinder;
  readonly #stop = new AbortController();
  #way: Way | undefined;
  #isIdle = true;
  #isTunnel = false;

  constructor(socket: Socket, context: BrowserContext) {
    this.#client = new Peer(socket);
    this.#context = context;
    this.#finder = new RouteFinder(context);
  }

  /** Serves until it has ended. Never rejects. */
  async run(): Promise<void> {
    void this.#client.gone.then(() => this.#onClientGone());
    try {
      while (await this.#serveNext());
    } catch {
      // Either side broke, or was cut off: the other must not take what it has for complete.
      this.abort();
    } finally {
      this.#way?.peer.close();
      await this.#linger();
    }
  }

  /** Breaks it at once. Safe to call twice. */
  abort(): void {
    this.#stop.abort();
    this.#way?.peer.abort();
    this.#client.abort();
  }

  /** Ends it if it goes another way than the rules say now. */
  review(): void {
    this.#finder.reconsider();
    if (this.#way !== undefined && !this.#finder.isStillRight(this.#way)) this.abort();
  }

  #onClientGone(): void {
    if (this.#isTunnel) return;
    // Nobody is left to read an answer. A tunnel's other direction may still be of use.
    this.#stop.abort();
    this.#way?.peer.close();
  }

  async #linger(): Promise<void> {
    const { socket } = this.#client;
    if (socket.destroyed) return;
    this.#client.end();
    const timer = setTimeout(() => this.#client.abort(), this.#context.patience.lingerMs);
    try {
      while ((await this.#client.next()) !== undefined);
    } catch {
      // Gone already.
    } finally {
      socket.destroySoon();
      socket.once('close', () => clearTimeout(timer));
    }
  }

  async #readHead(): Promise<Buffer | undefined> {
    let timer: NodeJS.Timeout | undefined;
    try {
      return await readHead(this.#client, () => {
        this.#isIdle = false;
        timer = setTimeout(() => this.abort(), this.#context.patience.headMs);
      });
    } finally {
      clearTimeout(timer);
    }
  }

  async #serveNext(): Promise<boolean> {
    this.#isIdle = true;
    try {
      const bytes = await this.#readHead();
      if (bytes === undefined) return false;
      const request = parseRequestHead(bytes);
      if (request.method === 'CONNECT') return await this.#tunnel(request);
      return await this.#forward(request);
    } catch (error) {
      if (error instanceof NoHost) return false;
      if (!(error instanceof MalformedMessage)) throw error;
      await this.#client.write(toAnswer(400));
      return false;
    }
  }

  async #tunnel(request: RequestHead): Promise<false> {
    const destination = toConnectTarget(request);
    this.#dropWay();
    let way: Way;
    try {
      way = await this.#openWay(destination, false);
    } catch (error) {
      const status = this.#report(destination, error);
      await this.#client.write(toAnswer(status));
      return false;
    }
    this.#isTunnel = true;
    await this.#client.write(ESTABLISHED);
    await copyBoth(this.#client, way.peer, this.#finder.countsOf(way));
    return false;
  }

  async #forward(request: RequestHead): Promise<boolean> {
    const { destination } = toHttpTarget(request);
    // Nobody is connected to for a request that will not be passed on.
    frameRequest(request);
    let exchange: HttpExchange | undefined;
    const reused = this.#findWayTo(destination);
    try {
      if (reused !== undefined) this.#finder.check(destination);
      // A browser tries again by itself when a connection turns out to have been closed meanwhile.
      if (reused?.peer.isFresh === false) return false;
      const way = reused ?? (await this.#openWay(destination, true));
      exchange = new HttpExchange(this.#client, way, this.#finder.countsOf(way));
      return await exchange.run(request);
    } catch (error) {
      if (error instanceof NoAnswer && reused !== undefined) return false;
      if (exchange?.hasAnswered === true) throw new PeerGone('It broke in the middle of an answer', { cause: error });
      await this.#answerProblem(request, destination, error);
      return false;
    }
  }

  async #answerProblem(request: RequestHead, destination: Destination, error: unknown): Promise<void> {
    const known = toKnownProblem(error);
    const status = this.#report(destination, known);
    // Only who looks at it is told: by anything else a page could map the network. A site that is down shows as it does without a proxy.
    if (!isNavigation(request) || isOfSite(known)) return;
    const title = status === 403 ? 'This site may not be visited from here' : 'This site cannot be reached';
    const page = { status, title, host: destination.host, reason: known.reason, why: known.message };
    await this.#client.write(toErrorAnswer(page));
  }

  /** Tells about what was refused or failed. @throws whatever else it is */
  #report(destination: Destination, error: unknown): 403 | 502 {
    const known = toKnownProblem(error);
    if (known instanceof ConnectionRefused) {
      this.#context.onRefused(destination, known);
      return 403;
    }
    this.#context.onFailed(destination, known);
    return 502;
  }

  async #openWay(destination: Destination, isPlainHttp: boolean): Promise<Way> {
    this.#dropWay();
    const way = await this.#finder.open(destination, isPlainHttp, this.#stop.signal);
    this.#way = way;
    void way.peer.gone.then(() => {
      if (this.#isIdle && this.#way === way) this.#client.socket.destroySoon();
    });
    return way;
  }

  #dropWay(): void {
    const way = this.#way;
    this.#way = undefined;
    way?.peer.close();
  }

  #findWayTo({ host, port }: Destination): Way | undefined {
    const there = this.#way?.destination;
    return there?.host === host && there.port === port ? this.#way : undefined;
  }
}

/** @throws what is no problem of a connection */
function toKnownProblem(error: unknown): ConnectionRefused | ConnectionFailed {
  if (error instanceof ConnectionRefused || error instanceof ConnectionFailed) return error;
  if (error instanceof NoAnswer) return new ConnectionFailed('unreachable', error.message, { cause: error });
  throw error;
}
