import { findHeadEnd, MalformedMessage, MAX_HEAD_BYTES } from './http-head.ts';
import { type Peer, PeerGone } from './peer.ts';

/**
 * The bytes up to and with the empty line; undefined when the other side ends before the first. What follows stays unread.
 * @param onBegin called when the first bytes are there
 * @throws {PeerGone} when it ends in the middle
 * @throws {MalformedMessage} when there are too many
 */
export async function readHead(peer: Peer, onBegin?: () => void): Promise<Buffer | undefined> {
  const first = await peer.next();
  if (first === undefined) return undefined;
  onBegin?.();
  let bytes = first;
  let end = findHeadEnd(bytes);
  while (end === -1 && bytes.length <= MAX_HEAD_BYTES) {
    const chunk = await peer.next();
    if (chunk === undefined) throw new PeerGone('The connection ended in the middle of a head');
    const searchFrom = Math.max(0, bytes.length - 3);
    bytes = Buffer.concat([bytes, chunk]);
    end = findHeadEnd(bytes, searchFrom);
  }
  if (end === -1 || end > MAX_HEAD_BYTES) throw new MalformedMessage('The head is too large');
  peer.unread(bytes.subarray(end));
  return bytes.subarray(0, end);
}

/** Exactly so many bytes; what follows stays unread. @throws {PeerGone} when there are fewer */
export async function readExactly(peer: Peer, length: number): Promise<Buffer> {
  let bytes: Buffer = Buffer.alloc(0);
  while (bytes.length < length) {
    const chunk = await peer.next();
    if (chunk === undefined) throw new PeerGone('The connection ended in the middle of an answer');
    bytes = Buffer.concat([bytes, chunk]);
  }
  peer.unread(bytes.subarray(length));
  return bytes.subarray(0, length);
}
