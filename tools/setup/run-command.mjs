import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

import { atExit, onInterruption } from './last-wishes.mjs';

const GRACE_MS = 2_000;
/** How long after the end of a command to wait for the end of its output, which a daemon that it started may hold open. */
const OUTPUT_GRACE_MS = 2_000;

function killGroup(pid, signal) {
  try {
    process.kill(-pid, signal);
  } catch {
    // Gone already.
  }
}

/** Asks a command's process group to end, insists after a while, and waits until the command has ended. */
function endGroup(child, graceMs) {
  killGroup(child.pid, 'SIGTERM');
  const timer = setTimeout(() => killGroup(child.pid, 'SIGKILL'), graceMs);
  return new Promise((resolve) => {
    child.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function collectLines(child, onLine) {
  const lines = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      onLine(line);
    });
  }
  return lines;
}

/** @returns the exit code once a command has ended and its output has been read; 1 for one that was ended by a signal */
function waitForEnd(child) {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => {
      const closeOutput = () => [child.stdout, child.stderr].forEach((stream) => stream.destroy());
      const timer = setTimeout(closeOutput, OUTPUT_GRACE_MS);
      child.on('close', () => {
        clearTimeout(timer);
        resolve(code ?? 1);
      });
    });
  });
}

/**
 * Runs a command without input, in a process group of its own, and keeps what it says.
 * The group is ended when the time is up or when this process ends: asked first, then, `graceMs` later, forced.
 * @returns {Promise<{ exitCode: number, lines: string[], isTimedOut: boolean }>} exit code 127 if it could not be started
 */
export async function runCommand(command, args, options) {
  const { timeoutMs, graceMs = GRACE_MS, cwd, environment = process.env, onLine = () => {} } = options;
  const child = spawn(command, args, { cwd, env: environment, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const lines = collectLines(child, onLine);
  let isTimedOut = false;
  const timer = setTimeout(() => {
    isTimedOut = true;
    endGroup(child, graceMs);
  }, timeoutMs);
  const takeBack = [atExit(() => killGroup(child.pid, 'SIGKILL')), onInterruption(() => endGroup(child, graceMs))];
  try {
    return { exitCode: await waitForEnd(child), lines, isTimedOut };
  } catch (error) {
    return { exitCode: 127, lines: [...lines, error.message], isTimedOut };
  } finally {
    clearTimeout(timer);
    for (const undo of takeBack) undo();
  }
}
