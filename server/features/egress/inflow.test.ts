import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';

import { Semaphore } from '../../lib/semaphore.ts';
import { openEgressRig, openRawClient, openRawServer, type RawClient } from '../../testing/egress-rig.ts';
import { until } from '../../testing/until.ts';
import { Inflow } from './inflow.ts';

const SIZE = 12_000_000;
const TIMEOUT_MS = 60_000;

/** Bytes of which no two pieces are alike: whatever is written over while somebody still needs it is seen. */
const BODY = randomBytes(SIZE);

function digest(text: string): string {
  return createHash('sha256').update(text, 'latin1').digest('hex');
}

/** Counts what comes: to put it together again and again would take longer than to move it. */
function countFrom({ socket }: RawClient): () => number {
  let bytes = 0;
  socket.on('data', (chunk: Buffer) => (bytes += chunk.length));
  return () => bytes;
}

async function send(socket: Socket, body: Buffer): Promise<void> {
  for (let at = 0; at < body.length; at += 300_000) {
    if (!socket.write(body.subarray(at, at + 300_000))) await once(socket, 'drain');
  }
}

function toChunks(body: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length; at += 77_777) {
    const part = body.subarray(at, at + 77_777);
    parts.push(Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n'));
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]);
}

const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
const LENGTH = `HTTP/1.1 200 OK\r\nContent-Length: ${SIZE}\r\n\r\n`;

describe.each([
  ['of a length', LENGTH, BODY],
  ['in chunks', CHUNKED, toChunks(BODY)],
])('a large body %s', { timeout: TIMEOUT_MS }, (_, head, body) => {
  it.each(['at once', 'with pauses'])('comes through as it was, read %s, and the next answer after it', async (how) => {
    await using rig = await openEgressRig();
    rig.configure();
    await using site = await openRawServer((socket) => {
      socket.on('data', () => {
        socket.write(head);
        void send(socket, body);
      });
    });
    const request = `GET http://127.0.0.1:${site.port}/ HTTP/1.1\r\nHost: x\r\n\r\n`;
    using client = openRawClient(rig.proxy.port, request);
    const count = countFrom(client);
    if (how === 'with pauses') {
      // The proxy then waits with a chunk that the system has taken a part of.
      for (let pauses = 0; pauses < 6; pauses += 1) {
        client.socket.pause();
        await sleep(30);
        client.socket.resume();
        await sleep(5);
      }
    }
    const whole = head.length + body.length;
    await until(() => count() >= whole, { timeoutMs: TIMEOUT_MS });
    expect(digest(client.received())).toBe(digest(head + body.toString('latin1')));
    client.socket.write(request);
    await until(() => count() >= 2 * whole, { timeoutMs: TIMEOUT_MS });
    expect(digest(client.received().slice(whole))).toBe(digest(head + body.toString('latin1')));
    expect(rig.proxy.traffic).toMatchObject({ receivedBytes: 2 * whole, connections: 1 });
  });
});

describe('an inflow', { timeout: TIMEOUT_MS }, () => {
  it.each([
    ['takes a place among those that read the most, and gives it back', 1],
    ['reads as well where there is none', 0],
  ])('%s', async (_, limit) => {
    await using site = await openRawServer((socket) => void send(socket, BODY).then(() => socket.end()));
    const places = new Semaphore(limit);
    const inflow = new Inflow(places);
    const socket = connect({ port: site.port, host: '127.0.0.1', onread: inflow.onread });
    socket.once('end', () => inflow.stop());
    const hash = createHash('sha256');
    const taken = new Set<number>();
    inflow.start(socket, () => undefined);
    await inflow.pour((chunk) => {
      hash.update(chunk);
      taken.add(places.taken);
      // So that much is there to be read at once.
      return sleep(1).then(() => undefined);
    });
    expect(hash.digest('hex')).toBe(createHash('sha256').update(BODY).digest('hex'));
    expect(taken).toContain(limit);
    expect(places.taken).toBe(0);
  });
});

describe('a tunnel', { timeout: TIMEOUT_MS }, () => {
  it('carries much in both directions at once as it was, and its end', async () => {
    await using rig = await openEgressRig();
    rig.configure();
    let seen = '';
    await using site = await openRawServer((socket) => {
      const chunks: Buffer[] = [];
      socket.on('data', (chunk: Buffer) => void chunks.push(chunk));
      socket.once('end', () => (seen = Buffer.concat(chunks).toString('latin1')));
      void send(socket, BODY).then(() => socket.end());
    });
    using client = openRawClient(rig.proxy.port, `CONNECT 127.0.0.1:${site.port} HTTP/1.1\r\n\r\n`);
    await send(client.socket, BODY);
    client.socket.end();
    await until(() => client.end() === 'ended' && seen !== '', { timeoutMs: TIMEOUT_MS });
    expect(digest(seen)).toBe(digest(BODY.toString('latin1')));
    expect(digest(client.received().slice(-SIZE))).toBe(digest(BODY.toString('latin1')));
  });
});
