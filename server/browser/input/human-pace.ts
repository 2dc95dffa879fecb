/** A point of the viewport in CSS pixels. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A point of a path, and how long after the one before it is reached. */
interface PathStep extends Point {
  readonly delayMs: number;
}

/** A number from 0 up to 1. */
export type Random = () => number;

/** How often a mouse tells where it is. Milliseconds. */
const MOUSE_INTERVAL_MS = 8;
/**
 * Fitts's law (MacKenzie 1992): a movement takes a + b * log2(distance / width + 1); these are usual values for a mouse, and the width
 * of a usual button.
 */
const FITTS = { a: 90, b: 110, width: 40 } as const;
const LONGEST_MOVE_MS = 1_200;
/** How far a path bends from the straight line, at most, in parts of its length. */
const BEND = 0.12;

/** Between two limits, more often near their middle. */
function between(least: number, most: number, random: Random): number {
  return least + ((random() + random()) / 2) * (most - least);
}

/** How much of a reaching movement is done after a part of its time: the minimum-jerk profile (Flash and Hogan 1985). */
function progress(time: number): number {
  return time ** 3 * (10 - 15 * time + 6 * time ** 2);
}

/**
 * The way a hand takes a pointer from one place to another: bent a little, slow at both ends, longer for longer ways. The last step is
 * `to` itself. Pure.
 */
export function planPath(from: Point, to: Point, random: Random): PathStep[] {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const distance = Math.hypot(dx, dy);
  if (distance < 1) return [{ ...to, delayMs: MOUSE_INTERVAL_MS }];
  const usualMs = FITTS.a + FITTS.b * Math.log2(distance / FITTS.width + 1);
  const totalMs = Math.min(LONGEST_MOVE_MS, usualMs * between(0.75, 1.3, random));
  const count = Math.max(2, Math.round(totalMs / MOUSE_INTERVAL_MS));
  // A point beside the middle bends the way; quadratic, so that it bends one way only, as an arm does.
  const bend = between(-BEND, BEND, random);
  const middle = { x: from.x + dx / 2 - dy * bend, y: from.y + dy / 2 + dx * bend };
  return Array.from({ length: count }, (_, index) => {
    if (index === count - 1) return { ...to, delayMs: MOUSE_INTERVAL_MS };
    const part = progress((index + 1) / count);
    const along = (start: number, bent: number, end: number): number =>
      Math.round((1 - part) ** 2 * start + 2 * (1 - part) * part * bent + part ** 2 * end);
    return {
      x: along(from.x, middle.x, to.x),
      y: along(from.y, middle.y, to.y),
      delayMs: MOUSE_INTERVAL_MS * between(0.8, 1.2, random),
    };
  });
}

/** Where in a box a person clicks: near its middle, hardly ever at its edge. Pure. */
export function pointWithin(box: Point & { readonly width: number; readonly height: number }, random: Random): Point {
  return {
    x: Math.round(box.x + box.width * between(0.25, 0.75, random)),
    y: Math.round(box.y + box.height * between(0.25, 0.75, random)),
  };
}

/** How long a mouse button or a key is held. Milliseconds. Pure. */
export function holdMs(random: Random): number {
  return between(45, 125, random);
}

/**
 * How long after the key before a key is struck: as a rule the rhythm of a fair typist, longer at the beginning of a word, and now and
 * then a pause for thought. Milliseconds. Pure.
 */
export function keyGapMs(previous: string | undefined, random: Random): number {
  const thought = random() < 0.03 ? between(250, 700, random) : 0;
  const isWordStart = previous === ' ' || previous === undefined;
  return between(40, 190, random) + (isWordStart ? between(20, 120, random) : 0) + thought;
}

/** The turns of a wheel that scroll by so much: notches of about a hundred pixels, each with the time before it. Pure. */
export function planWheel(delta: Point, random: Random): { readonly delta: Point; readonly delayMs: number }[] {
  const count = Math.max(1, Math.ceil(Math.max(Math.abs(delta.x), Math.abs(delta.y)) / 100));
  return Array.from({ length: count }, (_, index) => {
    const part = (total: number): number =>
      Math.round((total * (index + 1)) / count) - Math.round((total * index) / count);
    return { delta: { x: part(delta.x), y: part(delta.y) }, delayMs: index === 0 ? 0 : between(25, 110, random) };
  });
}
