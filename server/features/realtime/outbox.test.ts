import { setTimeout as sleep } from 'node:timers/promises';

import { describe, expect, it } from 'vitest';

import { Outbox } from './outbox.ts';

const KIB = 1024;
const MIB = 1024 ** 2;

/** The far side of an outbox: a connection that takes frames when it is told to. */
class SlowConnection {
  readonly frames: { readonly length: number; readonly fin: boolean }[] = [];
  readonly #untaken: (() => void)[] = [];

  send(frame: Buffer, { fin }: { readonly fin: boolean }, taken: () => void): void {
    this.frames.push({ length: frame.length, fin });
    this.#untaken.push(taken);
  }

  get untaken(): number {
    return this.#untaken.length;
  }

  take(): void {
    this.#untaken.shift()?.();
  }
}

describe('an outbox', () => {
  it('gives the connection little at a time, in order, a long message in several frames', () => {
    const connection = new SlowConnection();
    const outbox = new Outbox(connection, () => undefined);
    outbox.send('a'.repeat(3 * MIB));
    outbox.send('b');
    expect(connection.untaken).toBe(4);
    expect(outbox.bytes).toBe(3 * MIB + 1);
    while (connection.untaken > 0) connection.take();
    expect(outbox.bytes).toBe(0);
    expect(connection.frames).toEqual([
      ...Array.from({ length: 11 }, () => ({ length: 256 * KIB, fin: false })),
      { length: 256 * KIB, fin: true },
      { length: 1, fin: true },
    ]);
  });

  it('knows how long the client has taken nothing, a part of a message being something', async () => {
    const connection = new SlowConnection();
    const outbox = new Outbox(connection, () => undefined);
    expect(outbox.stalledMs()).toBe(0);
    outbox.send('a'.repeat(MIB));
    await sleep(50);
    const stalledMs = outbox.stalledMs();
    expect(stalledMs).toBeGreaterThan(40);
    connection.take();
    expect(outbox.stalledMs()).toBeLessThan(stalledMs);
    while (connection.untaken > 0) connection.take();
    expect(outbox.stalledMs()).toBe(0);
  });

  it('lets those who send wait until enough has been taken, or until they are told to stop', async () => {
    const connection = new SlowConnection();
    const outbox = new Outbox(connection, () => undefined);
    outbox.send('a'.repeat(512 * KIB));
    let isBelow = false;
    const waiting = outbox.whenBelow(300 * KIB, new AbortController().signal).then(() => (isBelow = true));
    await sleep(5);
    expect(isBelow).toBe(false);
    connection.take();
    await waiting;
    expect(outbox.bytes).toBe(256 * KIB);

    const stop = new AbortController();
    const stopped = outbox.whenBelow(1, stop.signal);
    stop.abort(new Error('stopped'));
    await expect(stopped).rejects.toThrow('stopped');
  });
});
