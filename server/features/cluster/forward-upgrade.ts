import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

import type { Upgrade } from '../../websocket/index.ts';
import { withForwarded } from './forwarded-headers.ts';
import type { Hop } from './hop-signature.ts';
import type { NodeClient } from './node-client.ts';
import type { ReachableNode } from './node-registry.ts';

/** A client that waits for its answer has nothing to say yet; one that says more is not read on. Bytes. */
const MOST_EARLY_BYTES = 64 * 1024;

interface UpgradeTarget {
  readonly node: ReachableNode;
  readonly hop: Hop;
}

/** The head of an answer, as it came. */
function headOf({ statusCode = 502, statusMessage = '', rawHeaders }: IncomingMessage): string {
  const lines = Array.from({ length: rawHeaders.length / 2 }, (_, index) => rawHeaders.slice(2 * index, 2 * index + 2));
  return [`HTTP/1.1 ${statusCode} ${statusMessage}`, ...lines.map((line) => line.join(': ')), '', ''].join('\r\n');
}

/** Joins two connections for as long as both last, each as fast as the other takes it. */
function join(one: Duplex, other: Duplex): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.on('error', () => undefined);
    from.once('close', () => to.destroy());
    from.pipe(to);
  }
}

/**
 * Passes a request to change protocol on to another node, and everything after it as the bytes it is. A refusal is passed back.
 *
 * @throws {AppError} DEPENDENCY_UNAVAILABLE before anything was answered
 */
export async function forwardUpgrade(
  { request, socket, head }: Upgrade,
  { node, hop }: UpgradeTarget,
  client: NodeClient,
): Promise<void> {
  const gone = new AbortController();
  const leave = (): void => gone.abort(new Error('The client went away'));
  const early = [head];
  const keep = (chunk: Buffer): void => {
    early.push(chunk);
    if (early.reduce((sum, { length }) => sum + length, 0) > MOST_EARLY_BYTES) socket.pause();
  };
  // That a client goes away is only noticed by reading.
  socket.on('data', keep).once('end', leave).once('close', leave);
  const { method = 'GET', url: path = '/' } = request;
  const headers = withForwarded(request, { connection: 'Upgrade', upgrade: request.headers.upgrade });
  try {
    const answer = await client.upgrade({ node, hop, method, path, headers }, gone.signal);
    socket.write(headOf(answer.response));
    if (answer.socket === undefined) {
      answer.response.pipe(socket);
      return;
    }
    socket.pause();
    if (answer.head.length > 0) socket.write(answer.head);
    answer.socket.write(Buffer.concat(early));
    join(socket, answer.socket);
  } finally {
    socket.off('data', keep).off('end', leave).off('close', leave);
  }
}
