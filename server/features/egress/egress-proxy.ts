import type { SessionTraffic } from '@guise/contract';
import type { AddressInfo, Server, Socket } from 'node:net';

import { BrowserConnection } from './browser-connection.ts';
import { describeProblem } from './egress-problem.ts';
import type { Destination, EgressFailure, EgressListener, EgressRefusal, EgressRules } from './egress-rules.ts';
import { toCanonicalHost } from './host-name.ts';
import type { BrowserContext } from './route-finder.ts';
import { TrafficMeter } from './traffic-meter.ts';

/** Connections of one browser at once; Chromium itself makes a few hundred at most. */
const MAX_CONNECTIONS = 1_024;
/** For how long a problem explains what a browser says. */
const PROBLEM_AGE_MS = 10_000;
const MAX_PROBLEMS = 200;

type Problem = EgressRefusal | EgressFailure;

/** What the proxies of a node have in common. */
type ProxyNode = Pick<BrowserContext, 'dialer' | 'patience'>;

interface Rules {
  readonly rules: EgressRules;
  readonly listener: EgressListener;
}

/**
 * The proxy of one browser.
 *
 * Until it is configured its connections wait, so that no byte leaves before it is known where it may. Its port is given
 * back when it is disposed.
 */
export class EgressProxy implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;
  readonly #node: ProxyNode;
  readonly #onClosed: () => void;
  readonly #meter = new TrafficMeter();
  readonly #held = new Map<Socket, NodeJS.Timeout>();
  readonly #connections = new Map<BrowserConnection, Promise<void>>();
  readonly #problems = new Map<string, { readonly problem: Problem; readonly at: number }>();
  #current: Rules | undefined;
  #closing: Promise<void> | undefined;

  /** Takes over a server that listens. */
  constructor(server: Server, node: ProxyNode, onClosed: () => void) {
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
    this.#node = node;
    this.#onClosed = onClosed;
    server.on('connection', (socket: Socket) => this.#accept(socket));
  }

  /** What was moved since it is there. */
  get traffic(): SessionTraffic {
    return this.#meter.traffic;
  }

  /** Sets what holds from now on: connections that go another way, or where they no longer may, are ended; others go on. */
  configure(rules: EgressRules, listener: EgressListener): void {
    this.#current = { rules, listener };
    this.#meter.limitBytes = rules.trafficLimitBytes;
    for (const connection of this.#connections.keys()) {
      if (this.#meter.isSpent) connection.abort();
      else connection.review();
    }
    for (const [socket, timer] of this.#held) {
      clearTimeout(timer);
      this.#held.delete(socket);
      this.#serve(socket, this.#current);
    }
  }

  /** What happened last, within some seconds, when the browser wanted to connect there. */
  lastProblem(host: string, port: number): Problem | undefined {
    const found = this.#problems.get(toKey({ host: toCanonicalHost(host) ?? host, port }));
    return found === undefined || performance.now() - found.at > PROBLEM_AGE_MS ? undefined : found.problem;
  }

  /** Ends all connections; resolves when the port is free. Safe to call twice. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const [socket, timer] of this.#held) {
      clearTimeout(timer);
      socket.destroy();
    }
    this.#held.clear();
    for (const connection of this.#connections.keys()) connection.abort();
    await Promise.all(this.#connections.values());
    await closed;
    this.#onClosed();
  }

  #accept(socket: Socket): void {
    if (this.#closing !== undefined || this.#connections.size + this.#held.size >= MAX_CONNECTIONS) {
      socket.destroy();
      return;
    }
    if (this.#current === undefined) this.#hold(socket);
    else this.#serve(socket, this.#current);
  }

  #hold(socket: Socket): void {
    const timer = setTimeout(() => socket.destroy(), this.#node.patience.holdMs);
    this.#held.set(socket, timer);
    socket.on('error', () => undefined);
    socket.once('close', () => {
      clearTimeout(timer);
      this.#held.delete(socket);
    });
  }

  #serve(socket: Socket, initial: Rules): void {
    const current = (): Rules => this.#current ?? initial;
    const context: BrowserContext = {
      ...this.#node,
      meter: this.#meter,
      rules: () => current().rules,
      onRefused: (destination, refusal) => this.#onRefused(describeProblem(destination, refusal), current()),
      onFailed: (destination, failure) => {
        const problem = describeProblem(destination, failure);
        this.#remember(problem);
        current().listener.failed(problem);
      },
      onSpent: (destination) => this.#onSpent(destination, current()),
    };
    const connection = new BrowserConnection(socket, context);
    const done = connection.run().finally(() => this.#connections.delete(connection));
    this.#connections.set(connection, done);
  }

  #onRefused(refusal: EgressRefusal, { listener }: Rules): void {
    this.#meter.addRefusal();
    this.#remember(refusal);
    listener.refused(refusal);
  }

  #onSpent(destination: Destination, rules: Rules): void {
    if (this.#connections.size === 0) return;
    this.#onRefused({ ...destination, reason: 'traffic_limit', why: 'The session has used up its traffic' }, rules);
    for (const connection of this.#connections.keys()) connection.abort();
  }

  #remember(problem: Problem): void {
    const key = toKey(problem);
    this.#problems.delete(key);
    this.#problems.set(key, { problem, at: performance.now() });
    const [oldest] = this.#problems.keys();
    if (this.#problems.size > MAX_PROBLEMS && oldest !== undefined) this.#problems.delete(oldest);
  }
}

function toKey({ host, port }: Destination): string {
  return `${host} ${port}`;
}
