import { once } from 'node:events';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';

import { describe, expect, it } from 'vitest';

import { openRawClient, openRawServer } from '../../testing/egress-rig.ts';
import { Peer } from './peer.ts';

/** Has a server's side of a connection broken by `act`; tells what it is after that. */
async function breakBy(act: (peer: Peer) => void | Promise<void>): Promise<'closed' | 'open'> {
  const closed = Promise.withResolvers<void>();
  await using server = await openRawServer((socket) => {
    const peer = new Peer(socket);
    void once(socket, 'close').then(() => closed.resolve());
    void act(peer);
  });
  using _client = openRawClient(server.port, '');
  return await Promise.race([
    closed.promise.then(() => 'closed' as const),
    sleep(2_000, 'open' as const, { ref: false }),
  ]);
}

describe('a connection that is broken', () => {
  it.each<[string, (peer: Peer) => void | Promise<void>]>([
    ['while nothing happens on it', (peer) => peer.abort()],
    [
      'in the very moment it says its end',
      (peer) => {
        peer.end();
        peer.abort();
      },
    ],
    [
      'when it has said its end',
      async (peer) => {
        peer.end();
        for (let turns = 0; turns < 5; turns += 1) await nextTurn();
        peer.abort();
      },
    ],
    [
      'with its end behind what the other side has not taken',
      (peer) => {
        void peer.write(Buffer.alloc(50_000_000)).catch(() => undefined);
        peer.end();
        peer.abort();
      },
    ],
  ])('is closed %s', async (_when, act) => {
    expect(await breakBy(act)).toBe('closed');
  });
});
