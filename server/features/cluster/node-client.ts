import { Agent, type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import type { Duplex, Readable } from 'node:stream';

import { AppError } from '../../lib/app-error.ts';
import type { Hop, HopSignature } from './hop-signature.ts';
import type { ReachableNode } from './node-registry.ts';

/** A free connection is kept for the next request this long: less than the server at its other end keeps it. Milliseconds. */
const KEEP_ALIVE_MS = 30_000;
const CONNECT_TIMEOUT_MS = 2_000;
const RETRY_AFTER_SECONDS = 2;

/** A request to another node. */
export interface NodeRequest {
  readonly node: ReachableNode;
  readonly method: string;
  /** With its query; sent as it is. */
  readonly path: string;
  readonly headers: OutgoingHttpHeaders;
  readonly hop: Hop;
  readonly body?: Readable | string | undefined;
}

/** The answer to a request to change protocol: the connection then, or the refusal. */
export type UpgradeAnswer =
  | { readonly response: IncomingMessage; readonly socket: Duplex; readonly head: Buffer }
  | { readonly response: IncomingMessage; readonly socket: undefined };

/**
 * Sends requests to other nodes, each with the signature of this one, over connections that are kept.
 *
 * What is under way to a node that has gone can be broken off: one that was stopped and not killed would never answer.
 */
export class NodeClient implements Disposable {
  readonly #signature: HopSignature;
  readonly #underWay = new Map<string, Set<() => void>>();
  readonly #agents = {
    'http:': new Agent({ keepAlive: true, keepAliveMsecs: KEEP_ALIVE_MS, timeout: KEEP_ALIVE_MS }),
    'https:': new TlsAgent({ keepAlive: true, keepAliveMsecs: KEEP_ALIVE_MS, timeout: KEEP_ALIVE_MS }),
  };

  constructor(signature: HopSignature) {
    this.#signature = signature;
  }

  /** Nodes to which something is under way. */
  get busyWith(): readonly string[] {
    return [...this.#underWay.keys()];
  }

  /**
   * Sends a request; resolves when its answer begins. The caller reads or destroys that. Aborting `signal` ends both.
   *
   * @throws {AppError} DEPENDENCY_UNAVAILABLE when the node does not answer
   */
  async send(wanted: NodeRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const { response } = await this.#open(wanted, signal, 'answer');
    return response;
  }

  /** Asks to change protocol; as `send` otherwise. The caller ends the socket. @throws {AppError} DEPENDENCY_UNAVAILABLE */
  async upgrade(wanted: NodeRequest, signal: AbortSignal): Promise<UpgradeAnswer> {
    return this.#open(wanted, signal, 'upgrade');
  }

  /** Breaks off everything that is under way to a node. */
  breakOff(nodeId: string): void {
    for (const destroy of [...(this.#underWay.get(nodeId) ?? [])]) destroy();
  }

  [Symbol.dispose](): void {
    for (const nodeId of this.busyWith) this.breakOff(nodeId);
    for (const agent of Object.values(this.#agents)) agent.destroy();
  }

  async #open(wanted: NodeRequest, signal: AbortSignal, purpose: 'answer' | 'upgrade'): Promise<UpgradeAnswer> {
    signal.throwIfAborted();
    const { node, method, path, hop, body } = wanted;
    const url = new URL(node.url);
    const isTls = url.protocol === 'https:';
    const signed = { method, path, ...(typeof body === 'string' && { body }) };
    const answered = Promise.withResolvers<UpgradeAnswer>();
    const outgoing = (isTls ? tlsRequest : request)(url, {
      method,
      // Not resolved against the address of the node: what a client asks for must not lead to another host.
      path,
      // Changing protocol uses a connection up.
      agent: purpose === 'upgrade' ? false : this.#agents[isTls ? 'https:' : 'http:'],
      headers: { ...wanted.headers, ...this.#signature.sign(signed, hop) },
    });
    const end = (): void => void outgoing.destroy(new Error('It was broken off'));
    this.#track(node.nodeId, end, outgoing);
    signal.addEventListener('abort', end, { once: true });
    outgoing.once('close', () => signal.removeEventListener('abort', end));
    outgoing.once('socket', (socket) => {
      socket.setNoDelay(true);
      if (!socket.connecting) return;
      const late = setTimeout(() => outgoing.destroy(new Error('It does not accept connections')), CONNECT_TIMEOUT_MS);
      socket.once('close', () => clearTimeout(late)).once('connect', () => clearTimeout(late));
    });
    outgoing.once('error', (error) => answered.reject(unreachable(error)));
    outgoing.once('response', (response) => {
      // Once it has the whole answer, Node's client does not go on sending the rest of a request.
      response.once('end', () => outgoing.writableFinished || outgoing.destroy());
      answered.resolve({ response, socket: undefined });
    });
    outgoing.once('upgrade', (response, socket, head) => {
      this.#track(node.nodeId, () => socket.destroy(), socket);
      answered.resolve({ response, socket, head });
    });
    if (body === undefined || typeof body === 'string') outgoing.end(body);
    else {
      body.pipe(outgoing);
      // What a node does not take any more is still read: its answer may be on its way to who writes this.
      outgoing.once('close', () => body.resume());
    }
    return answered.promise;
  }

  #track(nodeId: string, destroy: () => void, closing: { once(event: 'close', listener: () => void): unknown }): void {
    const underWay = this.#underWay.get(nodeId) ?? new Set();
    this.#underWay.set(nodeId, underWay.add(destroy));
    closing.once('close', () => {
      underWay.delete(destroy);
      if (underWay.size === 0) this.#underWay.delete(nodeId);
    });
  }
}

/** What a client is told whose session is on a node that does not answer. */
function unreachable(cause: unknown): AppError {
  return new AppError('DEPENDENCY_UNAVAILABLE', 'The node of this session does not answer', {
    cause,
    extensions: { retryAfterSeconds: RETRY_AFTER_SECONDS },
  });
}
