import { describe, expect, it } from 'vitest';

import { isTimeout, raceAbort } from './deadline.ts';

describe('raceAbort', () => {
  it('hands on what arrives late to whoever disposes of it', async () => {
    const work = Promise.withResolvers<string>();
    const late: string[] = [];
    const controller = new AbortController();
    const raced = raceAbort(work.promise, controller.signal, (value) => late.push(value));
    controller.abort(new Error('given up'));
    await expect(raced).rejects.toThrow('given up');
    work.resolve('orphan');
    await work.promise;
    await Promise.resolve();
    expect(late).toEqual(['orphan']);
  });

  it('rejects at once for a signal that was aborted before', async () => {
    await expect(raceAbort(new Promise(() => undefined), AbortSignal.abort(new Error('before')))).rejects.toThrow(
      'before',
    );
  });

  it('does not turn a failure that arrives late into an unhandled one', async () => {
    const work = Promise.withResolvers<string>();
    await expect(raceAbort(work.promise, AbortSignal.abort(new Error('before')))).rejects.toThrow('before');
    work.reject(new Error('late'));
    await expect(work.promise).rejects.toThrow('late');
  });

  it('tells a time-out from other reasons', async () => {
    const timeout = await raceAbort(new Promise(() => undefined), AbortSignal.timeout(1)).catch(
      (error: unknown) => error,
    );
    expect(isTimeout(timeout)).toBe(true);
    expect(isTimeout(new Error('TimeoutError'))).toBe(false);
  });
});
