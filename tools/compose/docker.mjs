import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { ROOT } from '../setup/paths.mjs';

const run = promisify(execFile);
const TIMEOUT_MS = 60_000;
const MAX_OUTPUT_BYTES = 64 * 1024 ** 2;

/** Runs `docker …` in the root of the project. @returns what it printed @throws with its last words */
export async function docker(args, { timeoutMs = TIMEOUT_MS, environment = process.env } = {}) {
  try {
    const options = { cwd: ROOT, env: environment, timeout: timeoutMs, maxBuffer: MAX_OUTPUT_BYTES };
    return (await run('docker', args, options)).stdout.trim();
  } catch (error) {
    const words = `${error.stdout ?? ''}\n${error.stderr ?? error.message}`.trim().split('\n').slice(-15).join('\n  ');
    throw new Error(`docker ${args.slice(0, 4).join(' ')} …\n  ${words}`, { cause: error });
  }
}

/** Why nothing can be run in containers here, or undefined if it can. */
export async function whyNoEngine() {
  try {
    await docker(['version', '--format', '{{.Server.Version}}']);
    await docker(['compose', 'version']);
    return undefined;
  } catch (error) {
    return error.message;
  }
}

export async function hasImage(name) {
  return docker(['image', 'inspect', name]).then(
    () => true,
    () => false,
  );
}

/** Asks until there is an answer that counts. @throws when there is none in time, with the last error */
export async function until(what, probe, timeoutMs = 60_000) {
  const deadline = performance.now() + timeoutMs;
  let last;
  while (performance.now() < deadline) {
    try {
      const value = await probe();
      if (value) return value;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error(`Not so in ${timeoutMs} ms: ${what}${last ? `\n  ${last.message}` : ''}`, { cause: last });
}
