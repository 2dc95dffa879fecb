import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';

import { expect, it } from 'vitest';

import { SocketFeed } from './socket-feed.ts';

/** A message of a server in two frames, with a ping between them. */
function messageOf(text: string): Buffer {
  const bytes = Buffer.from(text);
  const half = bytes.length >> 1;
  const frame = (first: number, payload: Buffer): Buffer =>
    Buffer.concat([Buffer.from([first, payload.length]), payload]);
  return Buffer.concat([
    frame(0x01, bytes.subarray(0, half)),
    frame(0x89, Buffer.from('p')),
    frame(0x80, bytes.subarray(half)),
  ]);
}

/** Two ends of a connection over loopback. `stack` closes them. */
async function openPair(stack: AsyncDisposableStack): Promise<{ near: Socket; far: Socket }> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stack.defer(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('There is no port');
  const far = connect(address.port, '127.0.0.1');
  const [near] = (await once(server, 'connection')) as [Socket];
  stack.defer(() => void near.destroy());
  stack.defer(() => void far.destroy());
  return { near, far };
}

it('puts a frame of ours only between two messages of the browser, whatever chunks they come in', async () => {
  const texts = ['first message', 'second', 'the third one', 'x'.repeat(100)];
  const stream = Buffer.concat(texts.map(messageOf));
  const ends = texts.map((_, index) => Buffer.concat(texts.slice(0, index + 1).map(messageOf)).length);
  const ours = Buffer.from([0x81, 4, ...Buffer.from('ours')]);
  for (let size = 1; size < 60; size += 7) {
    for (const injectAt of [0, 1, 5, 20, ends[0] ?? 0, 40, 70]) {
      await using stack = new AsyncDisposableStack();
      const { near, far } = await openPair(stack);
      const received = buffer(far);
      const feed = new SocketFeed(near);
      let isInjected = false;
      let written = 0;
      for (let at = 0; at < stream.length; at += size) {
        if (!isInjected && at >= injectAt) {
          feed.inject(ours, () => (written += 1));
          isInjected = true;
        }
        feed.pass(Buffer.from(stream.subarray(at, at + size)));
      }
      near.end();
      const all = await received;
      const at = all.indexOf(ours);
      expect([0, ...ends]).toContain(at);
      expect(Buffer.concat([all.subarray(0, at), all.subarray(at + ours.length)]).equals(stream)).toBe(true);
      expect(written).toBe(1);
    }
  }
});

it('writes nothing after the browser has closed its stream', async () => {
  await using stack = new AsyncDisposableStack();
  const { near, far } = await openPair(stack);
  const received = buffer(far);
  const feed = new SocketFeed(near);
  const close = Buffer.from([0x88, 2, 3, 0xe8]);
  feed.pass(close);
  feed.inject(Buffer.from([0x81, 0]));
  expect(feed.canControl).toBe(false);
  near.end();
  expect((await received).equals(close)).toBe(true);
});
