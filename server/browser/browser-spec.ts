import type { Geolocation, Viewport } from '@guise/contract';

import type { BlockedType } from './blocked-types.ts';
import type { BrowserIdentity } from './browser-identity.ts';
import type { DebuggingPorts } from './debugging-ports.ts';
import type { ProcessGroups } from './process-groups.ts';

/** What one browser is to be, decided before it is launched. */
export interface BrowserSpec {
  readonly headless: boolean;
  /** Whether to hide that the browser is automated: no `navigator.webdriver`, no Headless in the user agent. */
  readonly hideAutomation: boolean;
  readonly viewport: Viewport;
  /** IANA time zone; absent: the host's. */
  readonly timezone?: string | undefined;
  /** BCP 47 tag; absent: the browser's default. */
  readonly locale?: string | undefined;
  readonly geolocation?: Geolocation | undefined;
  readonly userAgent?: string | undefined;
  /** Further flags, checked against the allow-list by the caller. */
  readonly launchArgs: readonly string[];
  /** Absolute paths of unpacked extensions. */
  readonly extensionDirs: readonly string[];
  /** What it is not to load; absent: everything is loaded. `Browser.setBlockedTypes` changes it. */
  readonly blockedTypes?: readonly BlockedType[] | undefined;
  /** Whom it is to appear as. Takes the place of viewport, time zone, locale, geolocation and user agent. */
  readonly identity?: BrowserIdentity | undefined;
}

/** The proxy all connections of one browser leave through: it is given no other way. Disposing it closes it. */
export interface BrowserProxy extends AsyncDisposable {
  /** On 127.0.0.1. */
  readonly port: number;
}

/** What the host offers browsers: the same for each of them. */
export interface BrowserHost {
  readonly executablePath: string;
  /** Version of that executable, such as `156.0.8078.79`. */
  readonly version: string;
  /** Chromium's own sandbox. It refuses to start as root. */
  readonly sandbox: boolean;
  /** Xvfb, for browsers with a window; absent: headful browsers are refused. */
  readonly xvfbPath?: string | undefined;
  /** Folder below which each browser gets a folder of its own. */
  readonly foldersRoot: string;
  /** False where /dev/shm is too small for renderers (a container's default of 64 MB): files are used instead. */
  readonly sharedMemory: boolean;
  /** Where every process started for a browser is noted. */
  readonly groups: ProcessGroups;
  /** The ports on which its browsers are debugged. */
  readonly debuggingPorts: DebuggingPorts;
  /**
   * Opens the proxy of one browser, on `port` where that is given, which then is what its browser already knows. Rejects when it
   * cannot.
   */
  readonly openProxy: (port?: number) => Promise<BrowserProxy>;
  /** From spawn to the first answer over CDP. Milliseconds. */
  readonly launchTimeoutMs: number;
}
