import { inspect } from 'node:util';

/** An end that is nobody's fault, or the caller's own: its message says all there is to say. */
export class PlainEnd extends Error {
  override readonly name = 'PlainEnd';
}

/** A failure with all that lies behind it: `inspect` does not show what a clean-up that failed too has suppressed. */
export function toFailureText(error: unknown): string {
  if (error instanceof PlainEnd) return error.message;
  if (!(error instanceof SuppressedError)) return inspect(error);
  return `${toFailureText(error.suppressed)}\n\nand cleaning up after that: ${toFailureText(error.error)}`;
}
