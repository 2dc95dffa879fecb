import type { Viewport } from '@guise/contract';

import type { BrowserSpec, FillUserData } from '../../browser/index.ts';

/** Kinds of browsers, told apart by what cannot be changed on one that runs. */
export interface BrowserKind {
  /** Two with the same key are one kind. */
  readonly key: string;
  /** What it is called in metrics and in `/status`: one of a few names, each of many kinds. */
  readonly name: string;
  readonly headless: boolean;
  /** What a browser of this kind is launched as; each time another individual. */
  readonly toSpec: () => BrowserSpec;
}

/** A browser that somebody asks for. */
export interface BrowserRequest {
  readonly kind: BrowserKind;
  /** `pinned`: it has to be one individual. `unfit`: it is to be what no warm browser is born as. Both are launched for it. */
  readonly fit: 'warm' | 'unfit' | 'pinned';
  /** What to launch where no warm browser serves it. */
  readonly toSpec: () => BrowserSpec;
  /** What its browser is to find on its disk; with it one is launched, so `fit` has to say so. */
  readonly fill?: FillUserData | undefined;
  /** Whether a browser that was born as this can become it without a trace of having been another. */
  readonly accepts: (born: BrowserSpec) => boolean;
  /** Size of the page; undefined: whatever the browser was born with. */
  readonly viewport: Viewport | undefined;
}
