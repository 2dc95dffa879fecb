import { type Cookie, type CookieInput, PAGE_TIMEOUT_MS, type Viewport } from '@guise/contract';

import { AppError } from '../lib/app-error.ts';
import { isTimeout } from '../lib/deadline.ts';
import { once } from '../lib/once.ts';
import { createBrowserFolder, removeBrowserFolder } from './browser-folder.ts';
import { type BrowserExit, type BrowserProcess, startBrowserProcess } from './browser-process.ts';
import type { BrowserHost, BrowserSpec } from './browser-spec.ts';
import { CdpConnection } from './cdp-connection.ts';
import { readCookies, replaceCookies } from './cookies.ts';
import { planLaunch, screenFor } from './launch-plan.ts';
import type { Page } from './page.ts';
import { PageDirectory } from './page-directory.ts';
import { planTargetSetup } from './target-setup.ts';
import { openVirtualDisplay } from './virtual-display.ts';

interface BrowserParts {
  readonly spec: BrowserSpec;
  readonly userAgent: string;
  readonly version: string;
  readonly process: BrowserProcess;
  readonly connection: CdpConnection;
  readonly pages: PageDirectory;
  readonly dialogs: { answeredByUs: boolean };
  readonly owned: AsyncDisposableStack;
}

/**
 * One Chromium with all that belongs to it: process group, folder, virtual display, our own CDP connection.
 *
 * Whoever launched it must dispose it; that kills the browser and resolves when no process and no file of it is left.
 * Knows nothing of sessions.
 */
export class Browser implements AsyncDisposable {
  readonly spec: BrowserSpec;
  readonly userAgent: string;
  readonly version: string;
  readonly pid: number;
  /** Browser-level debugging address, on loopback. Never shown to a client. */
  readonly endpoint: URL;
  /** Settles, never rejects, when the browser is gone or no longer to be reached. */
  readonly gone: Promise<BrowserExit>;
  readonly #parts: BrowserParts;
  readonly #dispose: () => Promise<void>;

  constructor(parts: BrowserParts) {
    this.#parts = parts;
    this.spec = parts.spec;
    this.userAgent = parts.userAgent;
    this.version = parts.version;
    this.pid = parts.process.pid;
    this.endpoint = parts.process.endpoint;
    const { process, connection } = parts;
    this.gone = Promise.race([process.exited, connection.closed.then(() => ({ exitCode: null, signal: null }))]);
    this.#dispose = once(() => parts.owned.disposeAsync());
  }

  /** Whether dialogs (`alert` and the like) are answered for the page; off while a client drives the browser. */
  set answersDialogs(value: boolean) {
    this.#parts.dialogs.answeredByUs = value;
  }

  /** The page in front; opens one when there is none. @throws {CdpClosedError} when the browser is gone */
  async page(signal: AbortSignal): Promise<Page> {
    return this.#parts.pages.current(AbortSignal.any([signal, AbortSignal.timeout(PAGE_TIMEOUT_MS)]));
  }

  /** Resizes the window so that its page has this size. The scale of a running browser stays as it is. */
  async resize({ width, height }: Viewport, signal: AbortSignal): Promise<void> {
    const { browser } = this.#parts.connection;
    const { targetId } = await this.page(signal);
    const { windowId } = await browser.send('Browser.getWindowForTarget', { targetId }, signal);
    await browser.send('Browser.setContentsSize', { windowId, width, height }, signal);
  }

  /** Resolves when the browser answers; rejects when it is gone or `signal` is aborted first. */
  async ping(signal: AbortSignal): Promise<void> {
    await this.#parts.connection.browser.send('Browser.getVersion', undefined, signal);
  }

  async cookies(): Promise<Cookie[]> {
    return readCookies(this.#parts.connection.browser);
  }

  /** Replaces the whole jar. @throws {AppError} VALIDATION_FAILED */
  async setCookies(cookies: readonly CookieInput[]): Promise<void> {
    await replaceCookies(this.#parts.connection.browser, cookies);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#dispose();
  }
}

/** What a launch that ran out of time or was refused is to the client; anything else is a bug. */
function toLaunchFailure(error: unknown): unknown {
  if (error instanceof AppError) return error;
  const why = isTimeout(error) ? 'it did not answer in time' : 'it broke off while starting';
  return new AppError('BROWSER_LAUNCH_FAILED', `The browser did not start: ${why}`, { cause: error });
}

async function launch(spec: BrowserSpec, host: BrowserHost, signal: AbortSignal): Promise<Browser> {
  await using stack = new AsyncDisposableStack();
  const folder = await createBrowserFolder(host.foldersRoot);
  stack.defer(() => removeBrowserFolder(folder.path));

  const display = spec.headless
    ? undefined
    : stack.use(await openDisplayFor(spec, { host, folder: folder.path }, signal));
  const plan = planLaunch(spec, host, { folder, display });
  const process = stack.use(await startBrowserProcess(host, plan, signal));
  const connection = stack.use(await CdpConnection.open(process.endpoint, signal));

  const dialogs = { answeredByUs: true };
  const setup = planTargetSetup(spec, host);
  const pages = new PageDirectory({ connection, setup, answersDialogs: () => dialogs.answeredByUs });
  const [{ userAgent }] = await Promise.all([
    connection.browser.send('Browser.getVersion', undefined, signal),
    pages.start(signal),
    spec.geolocation &&
      connection.browser.send(
        'Browser.setPermission',
        { permission: { name: 'geolocation' }, setting: 'granted' },
        signal,
      ),
  ]);
  const { version } = host;
  return new Browser({ spec, userAgent, version, process, connection, pages, dialogs, owned: stack.move() });
}

async function openDisplayFor(
  spec: BrowserSpec,
  { host, folder }: { readonly host: BrowserHost; readonly folder: string },
  signal: AbortSignal,
): ReturnType<typeof openVirtualDisplay> {
  const { xvfbPath, foldersRoot, groups } = host;
  if (xvfbPath === undefined) {
    throw new AppError(
      'BROWSER_LAUNCH_FAILED',
      'Sessions with a window need Xvfb, which this host does not have (Debian package xvfb)',
    );
  }
  return openVirtualDisplay({ xvfbPath, folder, foldersRoot, groups, screen: screenFor(spec.viewport) }, signal);
}

/**
 * Launches a browser and waits until its first page can be used.
 *
 * @throws {AppError} BROWSER_LAUNCH_FAILED; nothing of the browser is left then, also when `signal` is aborted
 */
export async function launchBrowser(spec: BrowserSpec, host: BrowserHost, signal: AbortSignal): Promise<Browser> {
  try {
    return await launch(spec, host, AbortSignal.any([signal, AbortSignal.timeout(host.launchTimeoutMs)]));
  } catch (error) {
    throw toLaunchFailure(error);
  }
}
