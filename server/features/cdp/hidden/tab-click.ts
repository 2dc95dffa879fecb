import type { Params } from '../command-checks.ts';

/** Bits of CDP's `modifiers`: Ctrl opens a tab, Shift a window. */
const OPENING_MODIFIERS = 2 | 8;

/** Whether an event of the mouse is the end of a click that opens a link in a page of its own. Pure. */
export function mayOpenTab({ type, button, modifiers }: Params): boolean {
  if (type !== 'mouseReleased') return false;
  return button === 'middle' || (Number(modifiers ?? 0) & OPENING_MODIFIERS) !== 0;
}
