import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

import { describe, expect, it } from 'vitest';

import { AppError } from '../../lib/app-error.ts';
import { LocalRateLimiter } from '../../lib/rate-limiter.ts';
import { openTestDirectory } from '../../testing/test-directory.ts';
import { until } from '../../testing/until.ts';
import { type ScriptRunner, SharedRateLimiter } from './shared-rate-limiter.ts';

const run = promisify(execFile);

/** A real Redis server, and what runs scripts in it. */
async function openRedis(stack: AsyncDisposableStack): Promise<ScriptRunner> {
  const folder = await openTestDirectory(stack);
  const socket = path.join(folder, 'redis.sock');
  const server = spawn('redis-server', ['--port', '0', '--unixsocket', socket, '--save', ''], {
    cwd: folder,
    stdio: 'ignore',
  });
  stack.defer(async () => {
    server.kill('SIGTERM');
    await once(server, 'exit');
  });
  const ask = async (...command: string[]): Promise<string> =>
    (await run('redis-cli', ['-s', socket, ...command])).stdout.trim();
  await until(async () => (await ask('PING').catch(() => '')) === 'PONG');
  return {
    run: ({ text }, { keys, args }) => ask('EVAL', text, String(keys.length), ...keys, ...args),
  };
}

describe('SharedRateLimiter', () => {
  it('counts for all nodes together, and lets the next through when it has said', async () => {
    await using stack = new AsyncDisposableStack();
    const redis = await openRedis(stack);
    const nodes = [1, 2].map(() => new SharedRateLimiter(redis, new LocalRateLimiter()));
    const [one, other] = nodes as [SharedRateLimiter, SharedRateLimiter];
    const limit = { most: 3, windowMs: 3_000 };
    const taken = await Promise.all([one, other, one, other, one].map((node) => node.take('a', limit)));
    expect(taken.filter(({ isAllowed }) => isAllowed)).toHaveLength(3);
    const { retryAfterMs } = await one.take('a', limit);
    expect(retryAfterMs).toBeGreaterThan(0);
    expect(retryAfterMs).toBeLessThanOrEqual(3_050);
    expect((await other.take('b', limit)).isAllowed).toBe(true);
    await sleep(retryAfterMs);
    expect((await other.take('a', limit)).isAllowed).toBe(true);
  }, 30_000);

  it('goes on for each node alone while there is no Redis, and tells what is wrong with the script', async () => {
    const away = new AppError('DEPENDENCY_UNAVAILABLE', 'away');
    const alone = new SharedRateLimiter({ run: () => Promise.reject(away) }, new LocalRateLimiter());
    const limit = { most: 1, windowMs: 60_000 };
    expect((await alone.take('a', limit)).isAllowed).toBe(true);
    expect((await alone.take('a', limit)).isAllowed).toBe(false);
    const broken = new SharedRateLimiter({ run: () => Promise.reject(new Error('ERR')) }, new LocalRateLimiter());
    await expect(broken.take('a', limit)).rejects.toThrow('ERR');
  });
});
