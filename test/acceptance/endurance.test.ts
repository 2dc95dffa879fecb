import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { text } from 'node:stream/consumers';

import { describe, expect, it } from 'vitest';

const CHECKOUT = path.resolve(import.meta.dirname, '../..');
const TIMEOUT_MS = 5 * 60_000;

/** Runs a tool of the checkout to its end; what it printed is printed again, so that a failure can be read. */
async function run(...args: readonly string[]): Promise<{ readonly exitCode: number | null; readonly output: string }> {
  const { PATH, HOME, CHROMIUM_PATH, XVFB_PATH } = process.env;
  const found = Object.entries({ CHROMIUM_PATH, XVFB_PATH }).filter(([, value]) => value !== undefined);
  const child = spawn(process.execPath, args, {
    cwd: CHECKOUT,
    env: { PATH, HOME, ...Object.fromEntries(found) },
    stdio: ['ignore', 'pipe', 'inherit'],
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const ended = once(child, 'exit');
  const output = await text(child.stdout);
  await ended;
  process.stdout.write(output);
  return { exitCode: child.exitCode, output };
}

describe('the service', () => {
  it('holds no more after waves of everything that can happen to it than before', { timeout: TIMEOUT_MS }, async () => {
    const { exitCode, output } = await run('test/leak-check/index.ts', '--quick');
    expect(output).toMatch(/\d+ waves, \d+ sessions, \d+ s: no leak$/m);
    expect(exitCode).toBe(0);
  });

  it(
    'ends every session for the right reason, while it is killed and drained itself',
    { timeout: TIMEOUT_MS },
    async () => {
      const { exitCode, output } = await run('test/soak/index.ts', '50');
      expect(output).toMatch(/^50 lives in \d+ s, 0 surprises; nothing was left behind\.$/m);
      expect(exitCode).toBe(0);
    },
  );
});
