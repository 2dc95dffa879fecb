import { AppError } from '../lib/app-error.ts';
import { isTimeout } from '../lib/deadline.ts';
import { TypeBlocker } from './blocked-types.ts';
import { Browser, type BrowserState } from './browser.ts';
import { BrowserHome } from './browser-home.ts';
import { type BrowserProcess, PortTakenError, startBrowserProcess } from './browser-process.ts';
import type { BrowserHost, BrowserSpec } from './browser-spec.ts';
import { CdpConnection } from './cdp-connection.ts';
import { toDiskFull } from './disk-full.ts';
import { HaltedRequests } from './halted-requests.ts';
import { displayFor, planLaunch } from './launch-plan.ts';
import { PageDirectory } from './page-directory.ts';
import { planTargetSetup } from './target-setup.ts';
import { openVirtualDisplay, type VirtualDisplay } from './virtual-display.ts';

/** Debugging ports that are tried, as another service on this machine may choose the same at the same moment. */
const MOST_PORTS = 5;

/** How long the old browser of a restart may take to say what it has open. Milliseconds. */
const READ_STATE_TIMEOUT_MS = 2_000;

/** Width below which Chromium makes no window at its start, whatever `--window-size` says; a running one can be made narrower. */
const NARROWEST_NEW_WINDOW = 500;

/** What a launch that ran out of time or was refused is to the client; anything else is a bug. */
function toLaunchFailure(error: unknown): unknown {
  if (error instanceof AppError) return error;
  const diskFull = toDiskFull(error);
  if (diskFull !== undefined) return diskFull;
  const why = isTimeout(error) ? 'it did not answer in time' : 'it broke off while starting';
  return new AppError('BROWSER_LAUNCH_FAILED', `The browser did not start: ${why}`, { cause: error });
}

/** A running Chromium with what it stands on. */
export interface RunningParts {
  readonly spec: BrowserSpec;
  readonly home: BrowserHome;
  readonly display: VirtualDisplay | undefined;
  readonly process: BrowserProcess;
}

/**
 * Connects to a running Chromium and makes a browser of it, which then owns all that is in `stack`.
 *
 * @throws what the connection fails with
 */
export async function connectBrowser(
  { spec, home, display, process }: RunningParts,
  { host, stack, isNew }: { readonly host: BrowserHost; readonly stack: AsyncDisposableStack; readonly isNew: boolean },
  signal: AbortSignal,
): Promise<Browser> {
  const connection = stack.use(await CdpConnection.open(process.endpoint, signal));
  const dialogs = { answeredByUs: true };
  const setup = planTargetSetup(spec, host);
  const halted = new HaltedRequests(connection.browser);
  const types = new TypeBlocker(connection.browser, halted);
  // Before any page of it can be given an address.
  if (spec.blockedTypes !== undefined) await types.block(spec.blockedTypes, signal);
  const pages = new PageDirectory({ connection, halted, setup, answersDialogs: () => dialogs.answeredByUs });
  const [{ userAgent }] = await Promise.all([
    connection.browser.send('Browser.getVersion', undefined, signal),
    pages.start({ isNew }, signal),
    spec.geolocation &&
      connection.browser.send(
        'Browser.setPermission',
        { permission: { name: 'geolocation' }, setting: 'granted' },
        signal,
      ),
  ]);
  const { version } = host;
  return new Browser({
    spec,
    userAgent,
    version,
    home,
    display,
    process,
    connection,
    pages,
    types,
    dialogs,
    owned: stack.move(),
  });
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
  return openVirtualDisplay({ xvfbPath, folder, foldersRoot, groups, screen: displayFor(spec) }, signal);
}

/** Whether its window is to be narrower than Chromium makes one at its start. A phone has no window. */
function needsNarrowing({ viewport, identity }: BrowserSpec): boolean {
  return viewport.width < NARROWEST_NEW_WINDOW && identity?.fingerprint.os !== 'android';
}

/** Starts a browser on a port that nobody has, which `stack` then owns. @throws what the start fails with */
async function startOnFreePort(
  start: (debuggingPort: number) => Promise<BrowserProcess>,
  { home, host, stack }: { home: BrowserHome; host: BrowserHost; stack: AsyncDisposableStack },
): Promise<BrowserProcess> {
  for (let tries = 1; ; tries += 1) {
    await using own = new AsyncDisposableStack();
    const { port } = own.use(await host.debuggingPorts.take());
    try {
      const process = own.use(await start(port));
      stack.use(own.move());
      return process;
    } catch (error) {
      if (!(error instanceof PortTakenError) || tries === MOST_PORTS) throw error;
      await home.unlock();
    }
  }
}

/** Launches in a home, which the browser then owns; when the launch fails the home is disposed. */
async function launchIn(
  home: BrowserHome,
  { spec, host }: { readonly spec: BrowserSpec; readonly host: BrowserHost },
  signal: AbortSignal,
): Promise<Browser> {
  await using stack = new AsyncDisposableStack();
  const { folder } = stack.use(home);
  if (spec.identity !== undefined) await home.furnish(spec.identity);
  const display = spec.headless
    ? undefined
    : stack.use(await openDisplayFor(spec, { host, folder: folder.path }, signal));
  const proxyPort = await home.openProxy(host);
  const start = (debuggingPort: number): Promise<BrowserProcess> =>
    startBrowserProcess(host, planLaunch(spec, host, { folder, display, debuggingPort, proxyPort }), signal);
  const process = await startOnFreePort(start, { home, host, stack });
  const browser = await connectBrowser({ spec, home, display, process }, { host, stack, isNew: true }, signal);
  if (needsNarrowing(spec)) await browser.resize(spec.viewport, signal);
  return browser;
}

/**
 * Launches a browser and waits until its first page can be used.
 *
 * @throws {AppError} BROWSER_LAUNCH_FAILED; nothing of the browser is left then, also when `signal` is aborted
 */
export async function launchBrowser(spec: BrowserSpec, host: BrowserHost, signal: AbortSignal): Promise<Browser> {
  try {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(host.launchTimeoutMs)]);
    return await launchIn(await BrowserHome.create(host.foldersRoot), { spec, host }, deadline);
  } catch (error) {
    throw toLaunchFailure(error);
  }
}

/** Puts into a user-data directory, which it makes, what a browser is to find there when it starts. */
export type FillUserData = (userDataDir: string, signal: AbortSignal) => Promise<void>;

/** Launches a browser on a user-data directory that is not empty. @throws as `launchBrowser`, and what `fill` throws */
export async function launchFilledBrowser(
  spec: BrowserSpec,
  { host, fill }: { readonly host: BrowserHost; readonly fill: FillUserData },
  signal: AbortSignal,
): Promise<Browser> {
  await using filling = new AsyncDisposableStack();
  const home = filling.use(await BrowserHome.create(host.foldersRoot));
  await fill(home.folder.userDataDir, signal);
  // From here on the launch owns it.
  filling.move();
  try {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(host.launchTimeoutMs)]);
    return await launchIn(home, { spec, host }, deadline);
  } catch (error) {
    throw toLaunchFailure(error);
  }
}

/**
 * Ends a browser and launches its successor on the same folder, with its cookies and the addresses of its pages.
 *
 * What only lived in its pages (their scripts' state, session storage) is gone. A browser that does not answer is killed, and
 * its successor has what it had written by then.
 *
 * @throws {AppError} BROWSER_LAUNCH_FAILED; the old browser and its folder are gone then too
 */
export async function relaunchBrowser(old: Browser, host: BrowserHost, signal: AbortSignal): Promise<Browser> {
  const { spec } = old;
  const state = await old
    .readState(AbortSignal.any([signal, AbortSignal.timeout(READ_STATE_TIMEOUT_MS)]))
    .catch(() => undefined);
  const home = await old.leave();
  try {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(host.launchTimeoutMs)]);
    await home.unlock();
    await using stack = new AsyncDisposableStack();
    const browser = stack.use(await launchIn(home, { spec, host }, deadline));
    if (state !== undefined) await restore(browser, state, deadline);
    stack.move();
    return browser;
  } catch (error) {
    await home[Symbol.asyncDispose]();
    throw toLaunchFailure(error);
  }
}

/** Gives a new browser what its predecessor had. What it does not take is left out: a page that is gone, for one. */
async function restore(browser: Browser, { cookies, pages }: BrowserState, signal: AbortSignal): Promise<void> {
  await browser.setCookies(cookies).catch(() => undefined);
  await browser.openPages(
    pages.filter((url) => url !== 'about:blank'),
    signal,
  );
}
