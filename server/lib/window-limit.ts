interface Window {
  readonly startedAt: number;
  taken: number;
  /** Refused since the last one that was let through. */
  refused: number;
}

/** Lets so many of something through in a span of time, for each key, and counts the rest. */
export class WindowLimit {
  readonly #most: number;
  readonly #windowMs: number;
  readonly #windows = new Map<string, Window>();

  constructor({ most, windowMs }: { readonly most: number; readonly windowMs: number }) {
    this.#most = most;
    this.#windowMs = windowMs;
  }

  /** Takes a place in the window of `key`; returns how many found none since the last that did, or undefined when it is full. */
  claim(key: string): number | undefined {
    const now = performance.now();
    const last = this.#windows.get(key);
    const isOver = last === undefined || now - last.startedAt >= this.#windowMs;
    const window = isOver ? { startedAt: now, taken: 0, refused: last?.refused ?? 0 } : last;
    if (isOver) this.#windows.set(key, window);
    if (window.taken >= this.#most) {
      window.refused += 1;
      return undefined;
    }
    const { refused } = window;
    window.taken += 1;
    window.refused = 0;
    return refused;
  }

  /** Forgets all keys but those that are still wanted. */
  keepOnly(isWanted: (key: string) => boolean): void {
    for (const key of this.#windows.keys()) if (!isWanted(key)) this.#windows.delete(key);
  }
}
