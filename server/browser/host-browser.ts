import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, statfsSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

const VERSION_TIMEOUT_MS = 15_000;

/**
 * Where Chromium usually is, best first.
 *
 * Debian's /usr/bin/chromium is a shell script around the first of these: the binary itself starts faster and is the
 * process whose id we get.
 */
const CHROMIUM_PATHS = [
  '/usr/lib/chromium/chromium',
  '/usr/lib/chromium-browser/chromium-browser',
  '/opt/google/chrome/chrome',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome-stable',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];
const XVFB_PATHS = ['/usr/bin/Xvfb', '/usr/local/bin/Xvfb', '/opt/X11/bin/Xvfb'];

const LIBRARY_FOLDERS = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib64', '/usr/lib'];

/** A renderer draws into shared memory; a container's default of 64 MB is full after a few pages. */
const ENOUGH_SHARED_MEMORY_BYTES = 1024 ** 3;

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Path of the Chromium to run, or undefined where there is none. */
export function findChromium(): string | undefined {
  return CHROMIUM_PATHS.find(isExecutable);
}

/** Path of Xvfb, or undefined where there is none. */
export function findXvfb(): string | undefined {
  return XVFB_PATHS.find(isExecutable);
}

/** Path of the compiled `server/native/hardware-helper.c`, or undefined where set-up could not compile it. */
export function findHardwareHelper(): string | undefined {
  const file = path.join(import.meta.dirname, '../native/build/hardware-helper.so');
  return existsSync(file) ? file : undefined;
}

/** Names of the files in a folder; none where there is no such folder. */
function listNames(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Whether Mesa's software renderer can be had through EGL: its EGL library, and the driver beside it or in `dri`. */
export function hasLlvmpipe(): boolean {
  return LIBRARY_FOLDERS.some((folder) => {
    const names = [...listNames(folder), ...listNames(path.join(folder, 'dri'))];
    const hasDriver = names.some((name) => name === 'swrast_dri.so' || name.startsWith('libgallium'));
    return hasDriver && names.includes('libEGL_mesa.so.0') && names.includes('libEGL.so.1');
  });
}

/** Whether /dev/shm is large enough for browsers. */
export function hasSharedMemory(): boolean {
  try {
    const { bsize, blocks } = statfsSync('/dev/shm');
    return bsize * blocks >= ENOUGH_SHARED_MEMORY_BYTES;
  } catch {
    return false;
  }
}

/** Asks an executable for its version, such as `156.0.8078.79`. @throws {Error} when it is no Chromium that runs */
export async function readBrowserVersion(executablePath: string): Promise<string> {
  const { stdout } = await promisify(execFile)(executablePath, ['--version'], {
    timeout: VERSION_TIMEOUT_MS,
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: path.dirname(executablePath) },
  });
  const version = /\d+(?:\.\d+){3}/.exec(stdout)?.[0];
  if (version === undefined) throw new Error(`${executablePath} --version says ${JSON.stringify(stdout.trim())}`);
  return version;
}
