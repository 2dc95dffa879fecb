import { text } from 'node:stream/consumers';

import { type LossSuspect, type NodeClient, WHO_PATH } from './features/cluster/index.ts';

/** How long a node may take to say that it is there, before it counts as gone. Milliseconds. */
const ANSWER_MS = 1_500;

/** Asks a node that has not been heard of whether it is there, at its own address. Never rejects. */
export async function isNodeAlive(
  { client, nodeId: from }: { readonly client: NodeClient; readonly nodeId: string },
  { nodeId, url, epoch }: LossSuspect,
  signal: AbortSignal,
): Promise<boolean> {
  if (url === null) return false;
  const until = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
  try {
    const asked = { node: { nodeId, url }, method: 'GET', path: WHO_PATH, headers: {}, hop: { from } };
    const answer = JSON.parse(await text(await client.send(asked, until))) as { nodeId?: string; epoch?: number };
    // Another node may have got the address since, and another process the name.
    return answer.nodeId === nodeId && answer.epoch === epoch;
  } catch {
    // Whatever is wrong with it: it does not answer.
    return false;
  }
}
