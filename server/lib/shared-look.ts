/**
 * A look that many ask for at once and that costs the same for one as for all: one is under way at a time, and whoever asks
 * meanwhile shares the next, so that nobody is told what was so before it asked.
 */
export class SharedLook<Seen> {
  readonly #look: () => Promise<Seen>;
  #running: Promise<Seen> | undefined;
  #next: Promise<Seen> | undefined;

  constructor(look: () => Promise<Seen>) {
    this.#look = look;
  }

  /** What is seen by a look that begins now or later. @throws what that look fails with */
  see(): Promise<Seen> {
    if (this.#running === undefined) return this.#start();
    this.#next ??= this.#running.then(
      () => this.#start(),
      () => this.#start(),
    );
    return this.#next;
  }

  #start(): Promise<Seen> {
    this.#next = undefined;
    const running = this.#look().finally(() => {
      this.#running = undefined;
    });
    this.#running = running;
    return running;
  }
}
