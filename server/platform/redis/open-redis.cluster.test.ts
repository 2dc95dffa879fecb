import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { AppError } from '../../lib/app-error.ts';
import { silentLogger } from '../logger/logger.ts';
import { openTestRedis, testPrefix, type TestRedis } from '../../testing/test-redis.ts';
import { until } from '../../testing/until.ts';
import { openRedis } from './open-redis.ts';
import { type Redis, redisScript } from './redis.ts';

const COUNT = redisScript("return redis.call('INCR', KEYS[1])");

describe('a connection to Redis', () => {
  let stack: AsyncDisposableStack;
  let server: TestRedis;
  let redis: Redis;
  let key: string;

  beforeEach(async () => {
    stack = new AsyncDisposableStack();
    server = await openTestRedis(stack, 300);
    ({ redis } = server);
    key = testPrefix();
  });
  afterEach(() => stack.disposeAsync());

  const count = (): Promise<unknown> => redis.run(COUNT, { keys: [key], args: [] });

  it('runs scripts, also where the server has forgotten them', async () => {
    expect(await count()).toBe(1);
    await promisify(execFile)('redis-cli', ['-u', server.url, 'SCRIPT', 'FLUSH']);
    expect(await count()).toBe(2);
  });

  it('tells of a server that does not answer, and goes on with it when it does', async () => {
    {
      using _stopped = server.stop();
      await expect(count()).rejects.toMatchObject({ code: 'DEPENDENCY_UNAVAILABLE' });
      expect(redis.isAnswering).toBe(false);
    }
    await until(async () => (await count()) !== undefined, { what: 'it answers' });
    expect(redis.isAnswering).toBe(true);
  });

  it('passes on what a script fails with as what it is: a mistake', async () => {
    const failing = redis.run(redisScript("return redis.call('NOSUCH')"), { keys: [], args: [] });
    await expect(failing).rejects.not.toBeInstanceOf(AppError);
  });

  it('tells subscribers', async () => {
    const heard: string[] = [];
    await redis.subscribe(key, (message) => heard.push(message));
    await redis.publish(key, 'news');
    await until(() => heard.length === 1, { what: 'it was heard' });
    expect(heard).toEqual(['news']);
  });

  it('is refused in time where nobody is', async () => {
    const options = { url: 'redis://127.0.0.1:1', commandTimeoutMs: 300, connectTimeoutMs: 500 };
    await expect(openRedis(options, silentLogger)).rejects.toMatchObject({ code: 'DEPENDENCY_UNAVAILABLE' });
  });
});
