import { createServer } from 'node:net';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';

import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';

import { tryConnect } from './http-client.ts';
import { expectNothingLeft, openDataDir, runFailingStart, startServiceOn } from './service.ts';

let stack = new AsyncDisposableStack();
let dataDir: string;

beforeEach(async () => {
  stack = new AsyncDisposableStack();
  dataDir = await openDataDir(stack);
});
afterEach(() => stack.disposeAsync());
afterAll(() => stack.disposeAsync());

/** Somebody else who listens on a port of this machine. */
async function occupyPort(port = 0): Promise<number> {
  const server = createServer((socket) => socket.end());
  const listening = Promise.withResolvers<void>();
  server.once('error', listening.reject);
  server.listen(port, '127.0.0.1', listening.resolve);
  await listening.promise;
  stack.defer(() => void server.close());
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}

describe('a start with bad settings', () => {
  it('does not happen: all of them are listed at once, by name, and the exit code is 1', async () => {
    const { exitCode, output } = await runFailingStart({
      DATA_DIR: dataDir,
      PORT: 'eighty',
      WARM_POOL_SIZE: '-1',
      MAX_SESSIONS: '0',
      LOG_LEVEL: 'loud',
      SESSION_TIMEOUT_MS: '1.5',
      BROWSER_SANDBOX: 'maybe',
      DATABASE_URL: 'mysql://user:secret-of-the-database@host/db',
    });
    expect(exitCode).toBe(1);
    const names = [
      'PORT',
      'WARM_POOL_SIZE',
      'MAX_SESSIONS',
      'LOG_LEVEL',
      'SESSION_TIMEOUT_MS',
      'BROWSER_SANDBOX',
      'DATABASE_URL',
    ];
    for (const name of names) expect(output).toMatch(new RegExp(`^\\s*- ${name}: `, 'm'));
    expect(output).toContain('"eighty"');
    expect(output).not.toContain('secret-of-the-database');
    expect(output).not.toMatch(/^\s+at /m);
    expect(existsSync(path.join(dataDir, 'postgres'))).toBe(false);
  });

  it('does not happen either where two settings contradict each other', async () => {
    const ports = await runFailingStart({ DATA_DIR: dataDir, MAX_SESSIONS: '10', CDP_PORT_COUNT: '5' });
    expect([ports.exitCode, ports.output]).toEqual([1, expect.stringMatching(/MAX_SESSIONS.*CDP_PORT_COUNT/)]);
    const beyond = await runFailingStart({ DATA_DIR: dataDir, CDP_PORT_BASE: '65500' });
    expect([beyond.exitCode, beyond.output]).toEqual([1, expect.stringContaining('CDP_PORT_BASE')]);
  });

  it('does not happen where the development server, which needs no key, would be open to the network', async () => {
    const { exitCode, output } = await runFailingStart({ DATA_DIR: dataDir, HOST: '0.0.0.0' });
    expect([exitCode, output]).toEqual([1, expect.stringContaining('HOST')]);
  });

  it('does not happen where a protection is asked for that this version does not have', async () => {
    const { exitCode, output } = await runFailingStart({
      DATA_DIR: dataDir,
      API_KEYS: 'a:admin:secret-of-a-key-0123456789',
    });
    expect(exitCode).toBe(1);
    expect(output).toContain('API_KEYS');
    expect(output).not.toContain('secret-of-a-key');
  });
});

describe('the cloud server', () => {
  it('refuses to start without what it needs, and names all of it', async () => {
    for (const settings of [{ CLOUD_MODE: 'true' }, { NODE_ENV: 'production' }]) {
      const { exitCode, output } = await runFailingStart({ DATA_DIR: dataDir, ...settings });
      expect(exitCode).toBe(1);
      for (const name of ['DATABASE_URL', 'REDIS_URL', 'API_KEYS']) expect(output).toContain(name);
      expect(output).not.toContain('guise is ready');
    }
  });
});

describe('a start that cannot succeed', () => {
  it('without a Chromium that runs says so, and how to name one', async () => {
    const { exitCode, output } = await runFailingStart({ DATA_DIR: dataDir, PORT: '0', CHROMIUM_PATH: '/bin/false' });
    expect([exitCode, output]).toEqual([1, expect.stringContaining('CHROMIUM_PATH')]);
    expect(output).not.toMatch(/^\s+at /m);
    await expectNothingLeft(dataDir);
  });

  it('on a port that is taken says which, and leaves nothing', async () => {
    const port = await occupyPort();
    const { exitCode, output } = await runFailingStart({ DATA_DIR: dataDir, PORT: String(port), CDP_PORT_BASE: '0' });
    expect([exitCode, output]).toEqual([1, expect.stringContaining(String(port))]);
    expect(output).toMatch(/PORT\b/);
    expect(output).not.toMatch(/^\s+at /m);
    await expectNothingLeft(dataDir);
  });

  it('on a data directory in use says by whom, and does not disturb the service that uses it', async () => {
    const service = stack.use(await startServiceOn(dataDir));
    const { id } = await service.api.create();
    const { exitCode, output } = await runFailingStart({ DATA_DIR: dataDir, PORT: '0', CDP_PORT_BASE: '0' });
    expect(exitCode).toBe(1);
    expect(output).toContain(dataDir);
    expect(output).toContain(String(service.pid));
    expect(output).not.toMatch(/^\s+at /m);
    expect(await service.api.evaluate(id, '6 * 7')).toBe(42);
    expect((await service.api.get(id)).state).toBe('ACTIVE');
  });
});

describe('the ports of sessions', () => {
  it('are those of the range, one each, past what others listen on, and may be used again', async () => {
    // Whatever free port the system gives, the ones after it are used as the range.
    const base = await occupyPort();
    const service = stack.use(
      await startServiceOn(dataDir, {
        CDP_PORT_BASE: String(base),
        CDP_PORT_COUNT: '20',
        MAX_SESSIONS: '20',
        WARM_POOL_SIZE: '2',
      }),
    );
    const used: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      const sessions = await Promise.all([service.api.create(), service.api.create()]);
      const ports = sessions.map(({ cdpPort }) => cdpPort ?? 0);
      expect(new Set(ports).size).toBe(2);
      for (const port of ports) {
        expect(port).toBeGreaterThan(base);
        expect(port).toBeLessThan(base + 20);
        expect(await tryConnect(port)).toBe('connected');
      }
      used.push(...ports);
      await Promise.all(sessions.map(({ id }) => service.api.end(id)));
      for (const port of ports) expect(await tryConnect(port)).toBe('ECONNREFUSED');
    }
    // A port that was just given back is not handed to the next one, who would meet its old clients.
    expect(new Set(used).size).toBe(used.length);
  });

  it('run out: a create says so in place of failing oddly', async () => {
    const base = await occupyPort();
    const service = stack.use(
      await startServiceOn(dataDir, { CDP_PORT_BASE: String(base), CDP_PORT_COUNT: '1', MAX_SESSIONS: '1' }),
    );
    const answer = await service.api.call('POST', '/api/sessions');
    expect([answer.status, answer.json()]).toEqual([429, expect.objectContaining({ code: 'CAPACITY_EXHAUSTED' })]);
    expect((await service.api.status()).sessions.live).toBe(0);
  });
});

describe('a secret setting', () => {
  it('may come from a file, which may not be missing', async () => {
    const file = path.join(dataDir, 'database-url');
    await writeFile(file, 'mysql://user:secret-of-the-file@host/db\n');
    const wrong = await runFailingStart({ DATA_DIR: dataDir, DATABASE_URL_FILE: file });
    expect([wrong.exitCode, wrong.output]).toEqual([1, expect.stringContaining('DATABASE_URL')]);
    expect(wrong.output).not.toContain('secret-of-the-file');
    const missing = await runFailingStart({ DATA_DIR: dataDir, DATABASE_URL_FILE: `${file}.missing` });
    expect([missing.exitCode, missing.output]).toEqual([1, expect.stringContaining('DATABASE_URL_FILE')]);
  });
});
