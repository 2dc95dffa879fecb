import type { Navigate, NavigateResult } from '@guise/contract';
import type { Protocol } from 'devtools-protocol';

import { AppError } from '../lib/app-error.ts';
import { raceAbort } from '../lib/deadline.ts';
import type { CdpSession } from './cdp-connection.ts';
import type { NetworkSwitch } from './network-switch.ts';

type WaitUntil = NonNullable<Navigate['waitUntil']>;

/** The lifecycle event of a document that has just been committed; `commit` itself is only told of past documents. */
const NEW_DOCUMENT = 'init';

/** Names of Chromium's page lifecycle events (Page.lifecycleEvent). */
const LIFECYCLE_EVENTS: Readonly<Record<WaitUntil, string>> = {
  commit: NEW_DOCUMENT,
  domcontentloaded: 'DOMContentLoaded',
  load: 'load',
  networkidle: 'networkIdle',
};

/** Runs in an isolated world: the page can neither see nor disturb it. */
const DESCRIBE_PAGE = `(() => {
  const [entry] = performance.getEntriesByType('navigation');
  const milliseconds = (value) => (value > 0 ? value : null);
  return {
    url: location.href,
    title: document.title,
    responseMs: milliseconds(entry?.responseStart),
    domContentLoadedMs: milliseconds(entry?.domContentLoadedEventEnd),
    loadMs: milliseconds(entry?.loadEventEnd),
  };
})()`;

/** What a navigation ends with that was given up, by whomever. */
const ABORTED = 'net::ERR_ABORTED';
/** Chromium shows a page of its own for an error status without a body; the server has answered all the same. */
const EMPTY_ERROR_ANSWER = 'net::ERR_HTTP_RESPONSE_CODE_FAILURE';

interface PageDescription {
  readonly url: string;
  readonly title: string;
  readonly responseMs: number | null;
  readonly domContentLoadedMs: number | null;
  readonly loadMs: number | null;
}

/**
 * Follows the main frame from document to document until the newest one reaches the awaited moment.
 *
 * A page that sends itself elsewhere before it has loaded is left behind and its successor waited for. Created
 * before the navigation starts, so that no event is missed.
 */
function followLifecycle(
  session: CdpSession,
  frameId: string,
  waitUntil: WaitUntil,
): Disposable & { reached: Promise<void>; start(loaderId: string): void } {
  const wanted = LIFECYCLE_EVENTS[waitUntil];
  const reached = Promise.withResolvers<void>();
  const seen = new Map<string, Set<string>>();
  let current: string | undefined;
  const check = (): void => {
    const names = current === undefined ? undefined : seen.get(current);
    // Of a document that was there before it was listened to, only the past is told.
    if (names?.has(wanted) || (wanted === NEW_DOCUMENT && names?.has('commit'))) reached.resolve();
  };
  const stop = session.on('Page.lifecycleEvent', (event: Protocol.Page.LifecycleEventEvent) => {
    if (event.frameId !== frameId) return;
    const names = seen.get(event.loaderId) ?? new Set();
    seen.set(event.loaderId, names.add(event.name));
    if (current !== undefined && event.name === NEW_DOCUMENT) current = event.loaderId;
    check();
  });
  return {
    reached: reached.promise,
    start(loaderId) {
      current = loaderId;
      check();
    },
    [Symbol.dispose]: stop,
  };
}

/**
 * Listens for the answer to the main document's request: its status, and where it came from.
 *
 * Network events are only on until that answer: a page's hundreds of others are not worth their transport.
 */
function watchDocumentResponse({ session, frameId, network }: NavigatingPage): Disposable & {
  latest(): Protocol.Network.Response | undefined;
} {
  let response: Protocol.Network.Response | undefined;
  const use = network.use();
  const stop = session.on('Network.responseReceived', (event: Protocol.Network.ResponseReceivedEvent) => {
    if (event.frameId !== frameId || event.requestId !== event.loaderId) return;
    response = event.response;
    use[Symbol.dispose]();
  });
  return {
    latest: () => response,
    [Symbol.dispose]() {
      stop();
      use[Symbol.dispose]();
    },
  };
}

function navigationFailed(url: string, errorText: string): AppError {
  const netError = errorText.replace(/^net::/, '');
  return new AppError('NAVIGATION_FAILED', `${url.slice(0, 200)} could not be loaded: ${netError}`, {
    extensions: { netError },
  });
}

async function describePage(page: NavigatingPage, signal: AbortSignal): Promise<PageDescription> {
  const contextId = await page.isolatedContext(signal);
  const request = { expression: DESCRIBE_PAGE, contextId, returnByValue: true };
  const { result } = await page.session.send('Runtime.evaluate', request, signal);
  return result.value as PageDescription;
}

/** The page a navigation happens in. */
export interface NavigatingPage {
  readonly session: CdpSession;
  readonly frameId: string;
  readonly network: NetworkSwitch;
  /** See `Page.prepare`. */
  prepare(): Promise<void>;
  isolatedContext(signal: AbortSignal): Promise<number>;
}

/** What to load and how. */
interface Target extends Pick<Navigate, 'url' | 'referer'> {
  readonly waitUntil: WaitUntil;
  /** Whether to insist on the address when the browser drops it: the page was on its way there, and nobody has sent it elsewhere since. */
  readonly isDue: () => boolean;
}

/** Sends the page on its way; answered when the new document is about to be shown, or never will be. */
async function startNavigation(
  session: CdpSession,
  { url, referer, isDue }: Target,
  signal: AbortSignal,
): Promise<Protocol.Page.NavigateResponse> {
  const request = { url, ...(referer && { referrer: referer }) };
  const started = await session.send('Page.navigate', request, signal);
  if (started.errorText !== ABORTED || !isDue()) return started;
  // Chromium drops an address it is on its way to already, in favour of a navigation that may be given up or stopped later.
  await session.send('Page.stopLoading', undefined, signal);
  return session.send('Page.navigate', request, signal);
}

/**
 * Loads `url` in the page and waits for the asked-for moment.
 *
 * @throws {AppError} NAVIGATION_FAILED with Chromium's network error
 */
export async function navigatePage(page: NavigatingPage, target: Target, signal: AbortSignal): Promise<NavigateResult> {
  const { session, frameId } = page;
  const { url, waitUntil } = target;
  const startedAt = performance.now();
  using lifecycle = followLifecycle(session, frameId, waitUntil);
  using document = watchDocumentResponse(page);
  const { errorText, loaderId } = await startNavigation(session, target, signal);
  const isEmptyError = errorText === EMPTY_ERROR_ANSWER;
  if (errorText !== undefined && !isEmptyError) throw navigationFailed(url, errorText);
  // Without a loader it was a move inside the document: there is nothing to wait for.
  if (loaderId !== undefined && !isEmptyError) {
    lifecycle.start(loaderId);
    // A page that had crashed could not be prepared before; what it has missed is told it then.
    await raceAbort(page.prepare(), signal);
    await raceAbort(lifecycle.reached, signal);
  }
  const totalMs = Math.round(performance.now() - startedAt);
  const { url: finalUrl, title, ...timing } = await describePage(page, signal);
  const answer = toAnswer(document.latest());
  // What is on the page then is Chromium's own.
  const shown = isEmptyError ? { url: answer.url ?? url, title: '' } : { url: finalUrl, title };
  return { ...shown, status: answer.status, timing: { totalMs, ...timing } };
}

/** Where an answer came from and its HTTP status; null for what is no HTTP, as about:blank and data: are. */
function toAnswer(response: Protocol.Network.Response | undefined): { url: string | undefined; status: number | null } {
  const isHttp = response !== undefined && /^https?:/.test(response.url);
  return { url: response?.url, status: isHttp ? response.status : null };
}
