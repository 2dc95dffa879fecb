import type { BodyEnd } from './body-end.ts';
import { type Peer, PeerGone } from './peer.ts';

/** After how long without a byte a connection that one side has closed is given up. */
const HALF_OPEN_MS = 60_000;

/** Told of bytes before they are passed on; may throw to stop them. */
export type Count = (bytes: number) => void;

/** Both directions of a connection, as they are counted. */
export interface Counts {
  readonly sent: Count;
  readonly received: Count;
}

/**
 * Passes on the bytes of a body. What follows it stays unread.
 * @returns whether it came to an end that can be told; false: the other side closed, of a body that ends so
 * @throws {PeerGone} when either side breaks, or the body ends too early
 */
export async function copyBody(
  { from, to }: { readonly from: Peer; readonly to: Peer },
  end: BodyEnd,
  count: Count,
): Promise<boolean> {
  while (!end.isComplete) {
    const chunk = await from.next();
    if (chunk === undefined) {
      if (end.isEndless === true) return false;
      throw new PeerGone('The connection ended in the middle of a body');
    }
    const length = end.take(chunk);
    const part = length === chunk.length ? chunk : chunk.subarray(0, length);
    if (length < chunk.length) from.unread(chunk.subarray(length));
    count(length);
    await to.write(part);
  }
  return true;
}

async function copyAll(from: Peer, to: Peer, count: Count): Promise<void> {
  for (;;) {
    const chunk = await from.next();
    if (chunk === undefined) break;
    count(chunk.length);
    await to.write(chunk);
  }
  to.end();
  // Whoever has closed one direction may still wait for the other, but not for a site that is silent for good.
  to.socket.setTimeout(HALF_OPEN_MS, () => to.abort());
}

/** Passes on everything in both directions until both have ended. @throws when either breaks; the caller ends both then */
export async function copyBoth(client: Peer, site: Peer, counts: Counts): Promise<void> {
  await Promise.all([copyAll(client, site, counts.sent), copyAll(site, client, counts.received)]);
}
