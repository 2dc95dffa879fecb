import { spawn } from 'node:child_process';

import { ROOT } from '../setup/paths.mjs';
import { toExitCode } from './exit-code.mjs';

/** Ctrl-C reaches the tool by itself, as it shares our terminal and process group: only what is sent to us alone is passed on. */
const PASSED_ON = ['SIGTERM', 'SIGHUP'];

/**
 * Runs a tool on the given Node in the checkout's folder, with our input and output, until it ends.
 * @returns its exit code
 */
export function runTool(node, args, environment) {
  return new Promise((resolve, reject) => {
    const child = spawn(node, args, { cwd: ROOT, env: environment, stdio: 'inherit' });
    const passOn = (signal) => child.kill(signal);
    const stay = () => {}; // The tool decides what an interruption means; we report how it ended.
    for (const signal of PASSED_ON) process.on(signal, passOn);
    process.on('SIGINT', stay);
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      for (const passed of PASSED_ON) process.off(passed, passOn);
      process.off('SIGINT', stay);
      resolve(toExitCode(code, signal));
    });
  });
}
