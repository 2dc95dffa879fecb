import { text } from 'node:stream/consumers';

import { type Problem, type ProblemCode, type ProblemExtensions, PROBLEMS } from '@guise/contract';

import type { Actor } from '../../lib/actor.ts';
import { AppError } from '../../lib/app-error.ts';
import type { NodeClient } from './node-client.ts';
import type { ReachableNode } from './node-registry.ts';

/** Where nodes call each other; not below /api, which gateways let through. */
export const CALLS_PATH = '/internal/calls';

/** Members that the document of every failure has. */
const OF_EVERY_PROBLEM: ReadonlySet<string> = new Set([
  ...['type', 'title', 'status', 'detail', 'instance', 'code', 'retryable', 'requestId'],
]);

/** A call that another node is to do. */
export interface RemoteCall {
  /** A method of the real-time interface. */
  readonly method: string;
  readonly params: unknown;
  /** Where the client reaches the service, such as `ws://127.0.0.1:3000`. */
  readonly origin: string;
  /** Who makes it; that they may was looked at before it was sent. */
  readonly actor: Actor;
}

/** Calls methods of the real-time interface on other nodes. */
export class RemoteCalls {
  readonly #client: NodeClient;
  readonly #nodeId: string;

  constructor(client: NodeClient, nodeId: string) {
    this.#client = client;
    this.#nodeId = nodeId;
  }

  /**
   * Has another node do a call. `sessionId` is the id that a session to be created has its place under.
   *
   * @throws {AppError} what the other node answers with; DEPENDENCY_UNAVAILABLE when it does not
   */
  async call(
    node: ReachableNode,
    { sessionId, ...call }: RemoteCall & { readonly sessionId?: string | undefined },
    signal: AbortSignal,
  ): Promise<unknown> {
    const body = JSON.stringify(call);
    const response = await this.#client.send(
      {
        node,
        method: 'POST',
        path: CALLS_PATH,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
        hop: { from: this.#nodeId, sessionId },
        body,
      },
      signal,
    );
    const answer = await text(response).catch((error: unknown) => {
      signal.throwIfAborted();
      throw new AppError('DEPENDENCY_UNAVAILABLE', 'The node of this session broke off', { cause: error });
    });
    const value: unknown = JSON.parse(answer);
    if (response.statusCode === 200) return (value as { result: unknown }).result;
    throw toAppError(value as Problem);
  }
}

/** The failure another node has told of, as ours: without what the document of every failure has. */
function toAppError(problem: Problem): AppError {
  const { code, detail } = problem;
  const more = Object.entries(problem).filter(([name]) => !OF_EVERY_PROBLEM.has(name));
  const extensions = Object.fromEntries(more) as ProblemExtensions;
  return new AppError(Object.hasOwn(PROBLEMS, code) ? (code as ProblemCode) : 'INTERNAL', detail, { extensions });
}
