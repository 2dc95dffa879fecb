import { describe, expect, it } from 'vitest';

import type { Browser } from '../../browser/index.ts';
import { HeldBrowser } from './held-browser.ts';

const browserOf = (pid: number): Browser =>
  ({ pid, [Symbol.asyncDispose]: () => Promise.resolve() }) as unknown as Browser;

describe('the browser of a session', () => {
  it('is the new one once it was replaced', async () => {
    await using held = new HeldBrowser(browserOf(1));
    expect(await held.replace(() => Promise.resolve(browserOf(2)))).toBe(true);
    expect(held.current.pid).toBe(2);
    expect(held.isReplacing).toBe(false);
  });

  it('stays what it was where the new one fails, which the caller is told', async () => {
    await using held = new HeldBrowser(browserOf(1));
    await expect(held.replace(() => Promise.reject(new Error('does not start')))).rejects.toThrow('does not start');
    expect(held.current.pid).toBe(1);
  });

  it('is not replaced when the session ends meanwhile, and that is no failure', async () => {
    const held = new HeldBrowser(browserOf(1));
    const replacing = held.replace(async (_old, signal) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      throw signal.reason;
    });
    await held[Symbol.asyncDispose]();
    expect(await replacing).toBe(false);
    expect(await held.replace(() => Promise.resolve(browserOf(2)))).toBe(false);
    expect(held.current.pid).toBe(1);
  });
});
