import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once as onceEvent } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';

import { AppError } from '../lib/app-error.ts';
import { raceAbort } from '../lib/deadline.ts';
import { once } from '../lib/once.ts';
import { FOLDER_ROOT_VARIABLE } from './browser-folder.ts';
import type { IdentityDisplay } from './browser-identity.ts';
import type { ProcessGroups } from './process-groups.ts';
import { signalGroup } from './process-tree.ts';
import { setWorkArea } from './work-area.ts';

/** Where X servers keep their sockets, one a display number. */
export const SOCKET_PREFIX = '/tmp/.X11-unix/X';
const STOP_GRACE_MS = 2_000;
const COOKIE_PROTOCOL = 'MIT-MAGIC-COOKIE-1';
/** Xauthority's family "any host" (FamilyWild in X11/Xauth.h). */
const FAMILY_WILD = 0xffff;

interface DisplayOptions {
  readonly xvfbPath: string;
  /** Folder of the browser the display is for; the access cookie is kept there. */
  readonly folder: string;
  readonly foldersRoot: string;
  readonly groups: ProcessGroups;
  readonly screen: IdentityDisplay;
}

/** An X server without a screen, for one browser with a window. */
export interface VirtualDisplay extends AsyncDisposable {
  /** Of its process, which leads a group of its own. */
  readonly pid: number;
  /** Such as `:7`, for the environment variable DISPLAY. */
  readonly name: string;
  /** For XAUTHORITY: without its cookie the display lets nobody in, so one session cannot watch another. */
  readonly authorityFile: string;
}

/** One entry of an Xauthority file (Xau's XauWriteAuth): lengths are big-endian 16 bit. */
function authorityEntry(cookie: Buffer): Buffer {
  const field = (value: Buffer): Buffer => {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(value.length);
    return Buffer.concat([length, value]);
  };
  const family = Buffer.alloc(2);
  family.writeUInt16BE(FAMILY_WILD);
  const empty = Buffer.alloc(0);
  return Buffer.concat([family, field(empty), field(empty), field(Buffer.from(COOKIE_PROTOCOL)), field(cookie)]);
}

async function readDisplayNumber(child: ChildProcess, signal: AbortSignal): Promise<string> {
  const failed = (why: string): AppError => new AppError('BROWSER_LAUNCH_FAILED', `The virtual display ${why}`);
  const pipe = child.stdio[3] as Readable;
  const exited = onceEvent(child, 'exit').then(
    () => Promise.reject(failed('ended at once')),
    (error: unknown) =>
      Promise.reject(new AppError('BROWSER_LAUNCH_FAILED', 'Xvfb could not be run', { cause: error })),
  );
  const announced = onceEvent(pipe, 'data').then(([data]) => String(data).trim());
  return raceAbort(Promise.race([announced, exited]), signal);
}

/**
 * Starts Xvfb on a display number of its own choosing and waits until it accepts connections.
 *
 * @throws {AppError} BROWSER_LAUNCH_FAILED
 */
export async function openVirtualDisplay(options: DisplayOptions, signal: AbortSignal): Promise<VirtualDisplay> {
  const authorityFile = path.join(options.folder, 'Xauthority');
  const cookie = randomBytes(16);
  await writeFile(authorityFile, authorityEntry(cookie), { mode: 0o600 });
  const { width, height, workArea } = options.screen;
  const child = spawn(
    options.xvfbPath,
    [
      '-displayfd',
      '3',
      '-screen',
      '0',
      `${width}x${height}x24`,
      '-nolisten',
      'tcp',
      '-auth',
      authorityFile,
      '-noreset',
    ],
    {
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
      env: { PATH: '/usr/local/bin:/usr/bin:/bin', [FOLDER_ROOT_VARIABLE]: options.foldersRoot },
    },
  );
  const gone = Promise.withResolvers<void>();
  const forget = child.pid === undefined ? undefined : options.groups.add(child.pid, 'SIGTERM');
  child.once('exit', () => {
    forget?.();
    gone.resolve();
  });
  child.once('error', () => gone.resolve());
  const close = once(async () => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    // Politely first: only then it removes its socket and lock file below /tmp.
    signalGroup(child.pid, 'SIGTERM');
    const force = setTimeout(() => signalGroup(child.pid ?? 0, 'SIGKILL'), STOP_GRACE_MS);
    await gone.promise;
    clearTimeout(force);
  });
  // Killed outright, by whomever, it could not remove its socket itself.
  const removeSocket = async (number: string): Promise<void> => {
    await close();
    if (child.signalCode === 'SIGKILL') await rm(`${SOCKET_PREFIX}${number}`, { force: true });
  };
  try {
    const number = await readDisplayNumber(child, signal);
    if (workArea.width !== width || workArea.height !== height) {
      const access = { socketPath: `${SOCKET_PREFIX}${number}`, protocol: COOKIE_PROTOCOL, cookie };
      await setWorkArea(access, workArea, signal);
    }
    return {
      pid: child.pid ?? 0,
      name: `:${number}`,
      authorityFile,
      [Symbol.asyncDispose]: once(() => removeSocket(number)),
    };
  } catch (error) {
    await close();
    throw error;
  }
}
