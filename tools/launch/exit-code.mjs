import { constants } from 'node:os';

/** The exit code by which a shell would report how a child process ended. */
export function toExitCode(code, signal) {
  return code ?? 128 + (constants.signals[signal] ?? 0);
}
