const MIB = 1_024 ** 2;

/** What a browser with an ordinary page comes to take. */
const BROWSER_BYTES = 200 * MIB;
/** What ending a warm browser gives back at least. */
const WARM_BROWSER_BYTES = 100 * MIB;
/** How long after its start a browser's memory may be missing from what the system says is taken. Milliseconds. */
const SETTLE_MS = 3_000;

interface MemoryBudgetOptions {
  /** Bytes that can still be taken, as the system sees it. */
  readonly availableBytes: () => number;
  /** What is to stay free. */
  readonly reserveBytes: number;
  /** How many warm browsers could be ended, or given to those who wait, for the sake of memory. */
  readonly warmBrowsers: () => number;
  /** Milliseconds that only grow. */
  readonly now?: () => number;
}

/** Memory set aside for one browser. Disposing it gives back what the browser has not taken. */
export interface MemoryPromise extends Disposable {
  /** Says that the browser runs: soon the system will count what it takes, and the promise ends by itself. */
  settle(): void;
}

/**
 * Decides whether there is memory for one more browser.
 *
 * The system only tells what is taken now. What browsers under way will take is promised to them here, so that fifty
 * creates at once do not all count on the same free memory. Warm browsers count as free for those who wait: a warm one is
 * either handed to them, which takes nothing new, or ended to make room.
 */
export class MemoryBudget {
  readonly #options: MemoryBudgetOptions;
  readonly #now: () => number;
  #pending = 0;
  /** When each browser that has just started will be counted by the system; in ascending order. */
  readonly #settling: number[] = [];

  constructor(options: MemoryBudgetOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  get availableBytes(): number {
    return this.#options.availableBytes();
  }

  get reserveBytes(): number {
    return this.#options.reserveBytes;
  }

  /** Bytes promised to browsers that have not taken them yet. */
  get promisedBytes(): number {
    while ((this.#settling[0] ?? Number.POSITIVE_INFINITY) <= this.#now()) this.#settling.shift();
    return (this.#pending + this.#settling.length) * BROWSER_BYTES;
  }

  /** Whether less is free than is to stay free. */
  get isShort(): boolean {
    return this.availableBytes < this.reserveBytes;
  }

  /** Whether more is promised than there is: a warm browser has to go before another one is launched. */
  get isOvercommitted(): boolean {
    return this.#uncommittedBytes < 0;
  }

  /** Whether one more session can be taken. */
  get hasRoomForSession(): boolean {
    return this.#uncommittedBytes + this.#options.warmBrowsers() * WARM_BROWSER_BYTES >= BROWSER_BYTES;
  }

  /** Whether one more warm browser can be started: there is room for it, and for a session beside it. */
  get hasRoomForWarm(): boolean {
    return this.#uncommittedBytes >= 2 * BROWSER_BYTES;
  }

  /** How many warm browsers have to go for the reserve to be whole again. */
  get missingBrowsers(): number {
    return Math.max(0, Math.ceil((this.reserveBytes - this.availableBytes) / WARM_BROWSER_BYTES));
  }

  /** Sets memory aside for one browser. The caller must dispose the promise, at the latest when the browser has ended. */
  promise(): MemoryPromise {
    this.#pending += 1;
    let isPending = true;
    const end = (): void => {
      if (isPending) this.#pending -= 1;
      isPending = false;
    };
    return {
      settle: () => {
        if (isPending) this.#settling.push(this.#now() + SETTLE_MS);
        end();
      },
      [Symbol.dispose]: end,
    };
  }

  get #uncommittedBytes(): number {
    return this.availableBytes - this.promisedBytes - this.reserveBytes;
  }
}
