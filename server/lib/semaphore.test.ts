import { describe, expect, it } from 'vitest';

import { Semaphore } from './semaphore.ts';

const NEVER = new AbortController().signal;

describe('Semaphore', () => {
  it('serves those who wait in the order of arrival', async () => {
    const semaphore = new Semaphore(1);
    const first = await semaphore.acquire(NEVER);
    const order: string[] = [];
    const waiters = ['a', 'b', 'c'].map(async (name) => {
      using _slot = await semaphore.acquire(NEVER);
      order.push(name);
    });
    expect(semaphore.waiting).toBe(3);
    first[Symbol.dispose]();
    await Promise.all(waiters);
    expect(order).toEqual(['a', 'b', 'c']);
    expect(semaphore).toMatchObject({ taken: 0, waiting: 0 });
  });

  it('serves who can wait after everybody else, also after those who come later', async () => {
    const semaphore = new Semaphore(1);
    const held = await semaphore.acquire(NEVER);
    const order: string[] = [];
    const wait = async (name: string, kind: 'acquire' | 'acquireLast'): Promise<void> => {
      using _slot = await semaphore[kind](NEVER);
      order.push(name);
    };
    const gone = new AbortController();
    const givenUp = semaphore.acquireLast(gone.signal);
    const all = [wait('last', 'acquireLast'), wait('first', 'acquire'), wait('second', 'acquire')];
    gone.abort(new Error('gone'));
    await expect(givenUp).rejects.toThrow('gone');
    expect(semaphore.waiting).toBe(3);
    held[Symbol.dispose]();
    await Promise.all(all);
    expect(order).toEqual(['first', 'second', 'last']);
  });

  it('gives a place back once, however often it is disposed', async () => {
    const semaphore = new Semaphore(2);
    const slot = await semaphore.acquire(NEVER);
    await semaphore.acquire(NEVER);
    slot[Symbol.dispose]();
    slot[Symbol.dispose]();
    expect(semaphore.taken).toBe(1);
  });

  it('lets nobody overtake those who wait', async () => {
    const semaphore = new Semaphore(1);
    const held = await semaphore.acquire(NEVER);
    const waiting = semaphore.acquire(NEVER);
    held[Symbol.dispose]();
    expect(semaphore.tryAcquire()).toBeUndefined();
    (await waiting)[Symbol.dispose]();
    expect(semaphore.tryAcquire()).toBeDefined();
  });

  it('forgets who gives up waiting, and who had given up before', async () => {
    const semaphore = new Semaphore(1);
    const held = await semaphore.acquire(NEVER);
    const controller = new AbortController();
    const waiting = semaphore.acquire(controller.signal);
    controller.abort(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
    await expect(semaphore.acquire(controller.signal)).rejects.toThrow('gone');
    held[Symbol.dispose]();
    expect(semaphore).toMatchObject({ taken: 0, waiting: 0 });
  });
});
