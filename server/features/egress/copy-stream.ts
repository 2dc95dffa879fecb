import { type BodyEnd, ENDLESS } from './body-end.ts';
import { type Peer, PeerGone } from './peer.ts';

/** Told of bytes before they are passed on; may throw to stop them. */
export type Count = (bytes: number) => void;

/** Both directions of a connection, as they are counted. */
export interface Counts {
  readonly sent: Count;
  readonly received: Count;
  /** After how long without a byte a connection that one side has closed is given up. */
  readonly halfOpenMs: number;
}

interface Pair {
  readonly from: Peer;
  readonly to: Peer;
}

/** Passes on bytes until their end has come, or that of the other side. What follows stays unread. */
async function pass({ from, to }: Pair, end: BodyEnd, count: Count): Promise<void> {
  const takePart = (chunk: Buffer): Buffer => {
    const length = end.take(chunk);
    count(length);
    if (length === chunk.length) return chunk;
    from.unread(Buffer.from(chunk.subarray(length)));
    return chunk.subarray(0, length);
  };
  while (!end.isComplete) {
    const chunk = await from.next();
    if (chunk === undefined) return;
    await to.write(takePart(chunk));
    if (end.isComplete || !from.isFresh) continue;
    await from.inflow?.pour((next) => {
      const rest = to.writeThrough(takePart(next));
      if (end.isComplete) from.inflow?.stop();
      return rest;
    });
  }
}

/**
 * Passes on the bytes of a body. What follows it stays unread.
 * @returns whether it came to an end that can be told; false: the other side closed, of a body that ends so
 * @throws {PeerGone} when either side breaks, or the body ends too early
 */
export async function copyBody(pair: Pair, end: BodyEnd, count: Count): Promise<boolean> {
  await pass(pair, end, count);
  if (!end.isComplete && end.isEndless !== true) throw new PeerGone('The connection ended in the middle of a body');
  return end.isComplete;
}

async function copyAll({ from, to }: Pair, count: Count, halfOpenMs: number): Promise<void> {
  await pass({ from, to }, ENDLESS, count);
  to.end();
  // Whoever has closed one direction may still wait for the other, but not for a site that is silent for good.
  to.socket.setTimeout(halfOpenMs, () => to.abort());
}

/** Passes on everything in both directions until both have ended. @throws when either breaks; the caller ends both then */
export async function copyBoth(client: Peer, site: Peer, counts: Counts): Promise<void> {
  const { sent, received, halfOpenMs } = counts;
  const there = copyAll({ from: client, to: site }, sent, halfOpenMs);
  await Promise.all([there, copyAll({ from: site, to: client }, received, halfOpenMs)]);
}
