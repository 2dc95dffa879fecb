import { once } from 'node:events';

import { type RawData, WebSocket } from 'ws';

import type { RpcAnswer } from '../acceptance/rpc-client.ts';
import { type ClusterNode, KEY_HEADERS } from './node.ts';

/** Makes calls over one connection to a node's real-time interface, one after another; gives their answers. */
export async function callRpc(
  node: ClusterNode,
  calls: readonly (readonly [method: string, params: object])[],
): Promise<RpcAnswer[]> {
  const socket = new WebSocket(`${node.address.replace('http', 'ws')}/api/ws`, { headers: KEY_HEADERS });
  try {
    await once(socket, 'open');
    const answers: RpcAnswer[] = [];
    for (const [id, [method, params]] of calls.entries()) {
      const answered = once(socket, 'message');
      socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
      const [data] = (await answered) as [RawData];
      answers.push(JSON.parse((data as Buffer).toString()) as RpcAnswer);
    }
    return answers;
  } finally {
    socket.terminate();
  }
}
