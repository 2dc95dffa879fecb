import { type Cookie, type CookieInput, PAGE_TIMEOUT_MS, type Viewport } from '@guise/contract';

import { isTimeout } from '../lib/deadline.ts';
import { once } from '../lib/once.ts';
import type { BlockedType, TypeBlocker } from './blocked-types.ts';
import type { BrowserHome } from './browser-home.ts';
import type { SetupCommand } from './browser-identity.ts';
import type { BrowserExit, BrowserProcess } from './browser-process.ts';
import type { BrowserSpec } from './browser-spec.ts';
import type { CdpConnection } from './cdp-connection.ts';
import { type BrowserCheckpoint, readCheckpoint, restoreCheckpoint } from './checkpoint.ts';
import { addCookies, type JarCookie, readCookies, readJar, replaceCookies } from './cookies.ts';
import type { Page } from './page.ts';
import type { PageDirectory } from './page-directory.ts';
import { currentStartTicks, listGroupMembersOfType } from './process-tree.ts';
import type { VirtualDisplay } from './virtual-display.ts';

/** How long a browser that was asked to close may take to write what it has to. Milliseconds. */
const CLOSE_TIMEOUT_MS = 5_000;

interface BrowserParts {
  readonly spec: BrowserSpec;
  readonly userAgent: string;
  readonly version: string;
  readonly home: BrowserHome;
  readonly display: VirtualDisplay | undefined;
  readonly process: BrowserProcess;
  readonly connection: CdpConnection;
  readonly pages: PageDirectory;
  readonly types: TypeBlocker;
  readonly dialogs: { answeredByUs: boolean };
  readonly owned: AsyncDisposableStack;
}

/** The processes a browser is made of, for those who measure it. */
export interface BrowserProcesses {
  /** The browser's own process group and that of its display. */
  readonly groups: readonly number[];
  /** Processes that have left them. */
  readonly others: readonly number[];
}

/** What of a browser its successor is to have, beside what is in its user-data directory. */
export interface BrowserState {
  /** Addresses of the open pages, oldest first. */
  readonly pages: readonly string[];
  /** All cookies: those without an expiry are not written to disk. */
  readonly cookies: readonly Cookie[];
}

/**
 * One Chromium with all that belongs to it: process group, folder, virtual display, our own CDP connection.
 *
 * Whoever launched it must dispose it; that kills the browser and resolves when no process and no file of it is left.
 * Knows nothing of sessions.
 */
export class Browser implements AsyncDisposable {
  readonly userAgent: string;
  readonly version: string;
  readonly pid: number;
  /** Browser-level debugging address, on loopback. Never shown to a client. */
  readonly endpoint: URL;
  /** Settles, never rejects, when the browser is gone or no longer to be reached. */
  readonly gone: Promise<BrowserExit>;
  readonly #parts: BrowserParts;
  readonly #dispose: () => Promise<void>;
  #spec: BrowserSpec;
  /** Found at the first look. */
  #zygotes: readonly number[] | undefined;

  constructor(parts: BrowserParts) {
    this.#parts = parts;
    this.#spec = parts.spec;
    this.userAgent = parts.userAgent;
    this.version = parts.version;
    this.pid = parts.process.pid;
    this.endpoint = parts.process.endpoint;
    const { process, connection } = parts;
    this.gone = Promise.race([process.exited, connection.closed.then(() => ({ exitCode: null, signal: null }))]);
    this.#dispose = once(() => parts.owned.disposeAsync());
  }

  /** What it is: as it was launched, and what it has been told to block since. */
  get spec(): BrowserSpec {
    return this.#spec;
  }

  /** Whether dialogs (`alert` and the like) are answered for the page; off while a client drives the browser. */
  set answersDialogs(value: boolean) {
    this.#parts.dialogs.answeredByUs = value;
  }

  /** The folder everything the browser writes is in; the one thing on this machine a client may name paths below. */
  get folder(): BrowserHome['folder'] {
    return this.#parts.home.folder;
  }

  /** Where its proxy listens. */
  get proxyPort(): number {
    return this.#parts.home.proxyPort;
  }

  get processes(): BrowserProcesses {
    const { process, display } = this.#parts;
    return { groups: display === undefined ? [process.pid] : [process.pid, display.pid], others: process.helpers };
  }

  /**
   * What every further CDP session of a page, frame or worker has to set too: one that has not would undo it, when the target moves
   * to another process.
   */
  get sharedOverrides(): readonly SetupCommand[] {
    return this.#parts.pages.sharedOverrides;
  }

  /** Sets anew what a CDP session that has ended takes back: `navigator.platform` of open documents. Does not wait for it. */
  restoreOverrides(): void {
    this.#parts.pages.restoreOverrides();
  }

  /**
   * To be called before a page is opened with an address, so that its first request has the client hints that all others have. Resolves,
   * never rejects, when the page may be opened.
   */
  async expectPage(): Promise<void> {
    await this.#parts.pages.expect();
  }

  get pageCount(): number {
    return this.#parts.pages.count;
  }

  /** The page in front; opens one when there is none. @throws {CdpClosedError} when the browser is gone */
  async page(signal: AbortSignal): Promise<Page> {
    return this.#parts.pages.current(AbortSignal.any([signal, AbortSignal.timeout(PAGE_TIMEOUT_MS)]));
  }

  /** Opens these addresses, the first of them in the page in front. Resolves when the browser is on its way to all of them. */
  async openPages(urls: readonly string[], signal: AbortSignal): Promise<void> {
    const [first, ...others] = urls;
    if (first === undefined) return;
    const show = async (page: Promise<Page>, url: string): Promise<void> => {
      // An address that cannot be loaded shows the browser's own error page, as it would have before.
      await (await page).navigate({ url, waitUntil: 'commit' }, signal).catch(() => undefined);
    };
    await show(this.page(signal), first);
    for (const url of others) await show(this.#parts.pages.open(signal), url).catch(() => undefined);
  }

  /** Resizes the window so that its page has this size. The scale of a running browser stays as it is. */
  async resize({ width, height }: Viewport, signal: AbortSignal): Promise<void> {
    const { browser } = this.#parts.connection;
    const { targetId } = await this.page(signal);
    const { windowId } = await browser.send('Browser.getWindowForTarget', { targetId }, signal);
    await browser.send('Browser.setContentsSize', { windowId, width, height }, signal);
  }

  /**
   * Has it load none of these kinds of subresources, in documents and workers that begin to load from now on, and all others.
   * `noteOwner` has to be called again for a service that takes the browser over to know.
   *
   * @throws {CdpClosedError} when the browser is gone
   */
  async setBlockedTypes(blockedTypes: readonly BlockedType[], signal: AbortSignal): Promise<void> {
    await this.#parts.types.block(blockedTypes, signal);
    this.#spec = { ...this.#spec, blockedTypes };
  }

  /** Resolves when the browser answers; rejects when it is gone or `signal` is aborted first. */
  async ping(signal: AbortSignal): Promise<void> {
    await this.#parts.connection.browser.send('Browser.getVersion', undefined, signal);
  }

  /** Target ids of the pages whose renderers do not answer before `signal` is aborted. */
  async findHungPages(signal: AbortSignal): Promise<string[]> {
    const checks = this.#parts.pages.all.map(async (page) => {
      try {
        await page.ping(signal);
        return [];
      } catch (error) {
        // One that was closed meanwhile, or refuses, has answered.
        return isTimeout(error) ? [page.targetId] : [];
      }
    });
    return (await Promise.all(checks)).flat();
  }

  /**
   * Whether the processes that every browser has from its beginning are there: without its zygotes one goes on and cannot
   * open a page any more.
   */
  async isComplete(): Promise<boolean> {
    const { pid } = this;
    this.#zygotes ??= await listGroupMembersOfType(pid, 'zygote');
    const running = await Promise.all(this.#zygotes.map(currentStartTicks));
    return running.every((each) => each !== undefined);
  }

  async cookies(): Promise<Cookie[]> {
    return readCookies(this.#parts.connection.browser);
  }

  /** Replaces the whole jar. @throws {AppError} VALIDATION_FAILED */
  async setCookies(cookies: readonly CookieInput[]): Promise<void> {
    await replaceCookies(this.#parts.connection.browser, cookies);
  }

  /** All cookies with all that is known of them; see `addCookies`. */
  async readJar(signal: AbortSignal): Promise<JarCookie[]> {
    return readJar(this.#parts.connection.browser, signal);
  }

  /** Adds cookies as they were in another browser. Those it refuses are left out; returns how many. */
  async addCookies(cookies: readonly JarCookie[], signal: AbortSignal): Promise<number> {
    return addCookies(this.#parts.connection.browser, cookies, signal);
  }

  /**
   * Writes down whose browser this is, so that a service started after ours was killed can take it over for them;
   * see `findOwnedBrowsers`. undefined: nobody's (any more).
   */
  async noteOwner(owner: string | undefined): Promise<void> {
    const { home, process, display } = this.#parts;
    await home.writeOwner(
      owner === undefined
        ? undefined
        : {
            owner,
            spec: this.#spec,
            pid: process.pid,
            startTicks: (await currentStartTicks(process.pid)) ?? '',
            endpoint: process.endpoint.href,
            proxyPort: home.proxyPort,
            display: display && { pid: display.pid, name: display.name, authorityFile: display.authorityFile },
          },
    );
  }

  /** What a successor needs beside the user-data directory. */
  async readState(signal: AbortSignal): Promise<BrowserState> {
    const { browser } = this.#parts.connection;
    const [{ targetInfos }, cookies] = await Promise.all([
      browser.send('Target.getTargets', { filter: [{ type: 'page' }] }, signal),
      this.cookies(),
    ]);
    return { pages: targetInfos.map(({ url }) => url).reverse(), cookies };
  }

  /** See `readCheckpoint`. @throws {CdpClosedError} when the browser is gone */
  async readCheckpoint(before: BrowserCheckpoint, signal: AbortSignal): Promise<BrowserCheckpoint> {
    const { connection, pages } = this.#parts;
    return readCheckpoint({ browser: connection.browser, pages: pages.all }, before, signal);
  }

  /** See `restoreCheckpoint`. @throws {CdpClosedError} when the browser is gone */
  async restoreCheckpoint(checkpoint: BrowserCheckpoint, signal: AbortSignal): Promise<void> {
    const { connection, pages } = this.#parts;
    const openPage = (index: number): Promise<Page> => (index === 0 ? this.page(signal) : pages.open(signal));
    await restoreCheckpoint({ browser: connection.browser, openPage }, checkpoint, signal);
  }

  /**
   * Asks the browser to close, so that it writes what it has not written yet, and frees all but its folder, which the
   * caller then owns. One that does not close in time is killed.
   */
  async leave(): Promise<BrowserHome> {
    const { connection, process, home } = this.#parts;
    const deadline = AbortSignal.timeout(CLOSE_TIMEOUT_MS);
    // The answer may not come any more: its connection closes too.
    connection.browser.send('Browser.close', undefined, deadline).catch(() => undefined);
    const timedOut = Promise.withResolvers<void>();
    deadline.addEventListener('abort', () => timedOut.resolve(), { once: true });
    await Promise.race([process.exited, timedOut.promise]);
    const heir = home.handOver();
    await this[Symbol.asyncDispose]();
    return heir;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#dispose();
  }
}
