import { execFile } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

import type { Problem, Session } from '@guise/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openDataDir } from '../acceptance/service.ts';
import { until } from '../acceptance/until.ts';
import { type ClusterNode, listKnownNodes, startNodes } from './node.ts';
import { openServers } from './servers.ts';

const run = promisify(execFile);
const PLAIN = { stealthLevel: 'none' };
const DISK_MIB = 96;

/** A file system of few megabytes in a folder. `stack` takes it away. */
async function mountSmallDisk(stack: AsyncDisposableStack, folder: string): Promise<void> {
  await mkdir(folder);
  await run('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MIB}m`, 'tmpfs', folder]);
  stack.defer(async () => void (await run('umount', ['--lazy', folder])));
}

async function writeOn(file: string, block: Buffer): Promise<never> {
  for (;;) await writeFile(file, block, { flag: 'a' });
}

/** Writes until there is no room. Disposing it makes room again. */
async function fill(folder: string): Promise<AsyncDisposable> {
  const file = path.join(folder, 'filler');
  for (const bytes of [1024 ** 2, 4096]) {
    await expect(writeOn(file, Buffer.alloc(bytes, 'x'))).rejects.toMatchObject({ code: 'ENOSPC' });
  }
  return { [Symbol.asyncDispose]: () => rm(file) };
}

// Only root may mount.
describe.skipIf(process.getuid?.() !== 0)('a node whose disk is full', () => {
  const stack = new AsyncDisposableStack();
  let disk: string;
  let full: ClusterNode;
  let other: ClusterNode;

  beforeAll(async () => {
    const servers = await openServers(stack);
    disk = path.join(await openDataDir(stack), 'disk');
    await mountSmallDisk(stack, disk);
    const own = { MAX_SESSIONS: '2' };
    const nodes = await startNodes(stack, servers, { full: { ...own, DATA_DIR: disk }, other: own });
    [full, other] = nodes as [ClusterNode, ClusterNode];
  });
  afterAll(() => stack.disposeAsync());

  it('refuses creates clearly while others take theirs, and takes them again when there is room', async () => {
    const before = await full.create(PLAIN);
    expect(before.nodeId).toBe('full');
    await full.ask(`/api/sessions/${before.id}`, { method: 'DELETE' });
    {
      await using _filler = await fill(disk);
      const refused = await full.ask('/api/sessions', { method: 'POST', body: PLAIN });
      expect(refused.json()).toMatchObject({
        ...({ status: 502, code: 'BROWSER_LAUNCH_FAILED', retryable: true } satisfies Partial<Problem>),
        detail: expect.stringContaining('disk of this node is full') as string,
      });
      const made = await other.create(PLAIN);
      expect(made.nodeId).toBe('other');
      const seen = (await full.ask(`/api/sessions/${made.id}`)).json() as Session;
      expect(seen).toMatchObject({ state: 'ACTIVE', nodeId: 'other' });
      expect((await full.ask(`/api/sessions/${made.id}`, { method: 'DELETE' })).status).toBe(200);
    }
    await until('no place is lost', async () => (await listKnownNodes(other)).every(({ taken }) => taken === 0));
    const again = await full.create(PLAIN);
    expect(again.nodeId).toBe('full');
    await other.ask(`/api/sessions/${again.id}`, { method: 'DELETE' });
  });
});
