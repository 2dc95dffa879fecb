import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { connect } from 'node:net';

import { describe, expect, it } from 'vitest';

import { openTestHost, whatIsLeft } from '../testing/test-host.ts';
import { until } from '../testing/until.ts';
import type { BrowserHost } from './browser-spec.ts';
import { openVirtualDisplay, type VirtualDisplay } from './virtual-display.ts';

const soon = (): AbortSignal => AbortSignal.timeout(10_000);
const COOKIE_BYTES = 16;

/** First byte of the X server's answer to a connection set-up (X protocol, section 8): 0 refused, 1 let in. */
async function knock(display: VirtualDisplay, cookie: Buffer): Promise<number | undefined> {
  const name = Buffer.from(cookie.length > 0 ? 'MIT-MAGIC-COOKIE-1' : '');
  const pad = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
  const head = Buffer.from([0x6c, 0, 11, 0, 0, 0, name.length, 0, cookie.length, 0, 0, 0]);
  const socket = connect(`/tmp/.X11-unix/X${display.name.slice(1)}`);
  socket.write(Buffer.concat([head, pad(name), pad(cookie)]));
  const answer = await new Promise<Buffer>((resolve, reject) => socket.once('data', resolve).once('error', reject));
  socket.destroy();
  return answer[0];
}

async function openDisplay(stack: AsyncDisposableStack, host: BrowserHost): Promise<VirtualDisplay> {
  const { xvfbPath, foldersRoot, groups } = host;
  if (xvfbPath === undefined) throw new Error('This test needs Xvfb; npm test installs it');
  const size = { width: 800, height: 600 };
  const screen = { ...size, workArea: { left: 0, top: 0, ...size } };
  return stack.use(await openVirtualDisplay({ xvfbPath, folder: foldersRoot, foldersRoot, groups, screen }, soon()));
}

describe('a virtual display', () => {
  it('lets in who has its cookie and nobody else, so that one session cannot watch another', async () => {
    await using stack = new AsyncDisposableStack();
    const display = await openDisplay(stack, await openTestHost(stack));
    const cookie = (await readFile(display.authorityFile)).subarray(-COOKIE_BYTES);
    expect(await knock(display, cookie)).toBe(1);
    expect(await knock(display, Buffer.alloc(0))).toBe(0);
    expect(await knock(display, Buffer.alloc(COOKIE_BYTES))).toBe(0);
    expect((await stat(display.authorityFile)).mode & 0o077).toBe(0);
  });

  it.each(['SIGTERM', 'SIGKILL'] as const)('leaves no socket behind when it ends by %s', async (signal) => {
    await using stack = new AsyncDisposableStack();
    const host = await openTestHost(stack);
    const display = await openDisplay(stack, host);
    const socket = `/tmp/.X11-unix/X${display.name.slice(1)}`;
    expect(existsSync(socket)).toBe(true);
    for (const group of (await whatIsLeft(host)).groups) process.kill(-group, signal);
    await until(async () => (await whatIsLeft(host)).groups.length === 0);
    await display[Symbol.asyncDispose]();
    expect(existsSync(socket)).toBe(false);
  });
});
