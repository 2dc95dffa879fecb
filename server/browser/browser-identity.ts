import type { Fingerprint } from '@guise/contract';
import type { Protocol } from 'devtools-protocol';

/** A CDP command with its parameters. */
interface SetupCommand {
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** A text file below the browser's home folder. */
interface HomeFile {
  /** Relative, with `/`. */
  readonly path: string;
  readonly content: string;
}

/**
 * All that makes a browser appear as what its fingerprint says, compiled: the browser room applies it and decides nothing.
 *
 * It is plain data, because it is kept in the note by which a later service takes the browser over.
 */
export interface BrowserIdentity {
  /** What it was compiled from. */
  readonly fingerprint: Fingerprint;
  /** Added to the features Guise switches for every browser. */
  readonly features: { readonly enabled: readonly string[]; readonly disabled: readonly string[] };
  /** As `features`, for `--enable-blink-features` and `--disable-blink-features`. */
  readonly blinkFeatures: { readonly enabled: readonly string[]; readonly disabled: readonly string[] };
  /** All other flags, screen and window among them. */
  readonly flags: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly files: readonly HomeFile[];
  /** Size of the virtual display of a browser with a window, in physical pixels. */
  readonly display: { readonly width: number; readonly height: number };
  /** Sent to every target of a kind, paused, before its first script. */
  readonly commands: {
    readonly page: readonly SetupCommand[];
    readonly frame: readonly SetupCommand[];
    readonly worker: readonly SetupCommand[];
  };
  /** What no flag and no command can do: run in every realm before any script of its page; undefined when nothing is left. */
  readonly script: string | undefined;
  /** Has to be set on every further CDP session of a target too: one without it would undo it. */
  readonly userAgent: Protocol.Emulation.SetUserAgentOverrideRequest;
}
