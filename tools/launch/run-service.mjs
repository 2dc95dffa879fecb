import { spawn } from 'node:child_process';

import { ROOT } from '../setup/paths.mjs';
import { toExitCode } from './exit-code.mjs';
import { SignalRelay } from './signal-relay.mjs';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const PARENT_CHECK_MS = 500;

/** Calls back once this process has lost the parent that started it. @returns a function that stops looking */
function watchParent(onLost) {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    onLost();
  }, PARENT_CHECK_MS);
  return () => clearInterval(timer);
}

/**
 * Runs the service on the given Node, with our input and output, until it ends.
 *
 * Who hears what when it is to end:
 * - Ctrl-C: the terminal signals its whole foreground group: npm, the shell between, and us; npm then signals us once more.
 *   The service is in a session of its own and hears nothing of that; we tell it once, so that it can take a second signal
 *   as "at once".
 * - `kill` of npm or of us: npm passes it on to us, and we to the service. Should the shell between die without a word, or
 *   npm be killed outright, we notice that our parent is gone, and ask the service to end. Whatever kills npm also brings a
 *   hang-up, if npm led the terminal's session: all that counts as one wish.
 * - `kill -9` of us: the service notices that its IPC channel closes, and ends itself.
 *
 * @returns its exit code
 */
export function runService(node, args, environment) {
  return new Promise((resolve, reject) => {
    const stdio = ['inherit', 'inherit', 'inherit', 'ipc'];
    const child = spawn(node, args, { cwd: ROOT, env: environment, stdio, detached: true });
    const relay = new SignalRelay({ send: (signal) => child.kill(signal) });
    const pass = (signal) => relay.pass(signal);
    for (const signal of SIGNALS) process.on(signal, pass);
    const isUnderNpm = process.env.npm_lifecycle_event !== undefined;
    const stopWatching = isUnderNpm ? watchParent(() => relay.passUnlessPassed('SIGTERM')) : () => {};
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      stopWatching();
      for (const passed of SIGNALS) process.off(passed, pass);
      resolve(toExitCode(code, signal));
    });
  });
}
