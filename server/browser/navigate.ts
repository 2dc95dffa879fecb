import type { Navigate, NavigateResult } from '@guise/contract';
import type { Protocol } from 'devtools-protocol';

import { AppError } from '../lib/app-error.ts';
import { isTimeout, raceAbort } from '../lib/deadline.ts';
import type { CdpSession } from './cdp-connection.ts';

type WaitUntil = NonNullable<Navigate['waitUntil']>;

/** Names of Chromium's page lifecycle events (Page.lifecycleEvent). */
const LIFECYCLE_EVENTS: Readonly<Record<WaitUntil, string>> = {
  commit: 'commit',
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
    status: entry?.responseStatus || null,
    responseMs: milliseconds(entry?.responseStart),
    domContentLoadedMs: milliseconds(entry?.domContentLoadedEventEnd),
    loadMs: milliseconds(entry?.loadEventEnd),
  };
})()`;

interface PageDescription {
  readonly url: string;
  readonly title: string;
  readonly status: number | null;
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
    if (current !== undefined && seen.get(current)?.has(wanted)) reached.resolve();
  };
  const stop = session.on('Page.lifecycleEvent', (event: Protocol.Page.LifecycleEventEvent) => {
    if (event.frameId !== frameId) return;
    const names = seen.get(event.loaderId) ?? new Set();
    seen.set(event.loaderId, names.add(event.name));
    if (current !== undefined && event.name === 'commit') current = event.loaderId;
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

function navigationFailed(url: string, netError: string): AppError {
  return new AppError('NAVIGATION_FAILED', `${url.slice(0, 200)} could not be loaded: ${netError}`, {
    extensions: { netError },
  });
}

async function describePage(
  session: CdpSession,
  isolatedContext: () => Promise<number>,
  signal: AbortSignal,
): Promise<PageDescription> {
  const contextId = await isolatedContext();
  const { result } = await session.send(
    'Runtime.evaluate',
    { expression: DESCRIBE_PAGE, contextId, returnByValue: true },
    signal,
  );
  return result.value as PageDescription;
}

/** The page a navigation happens in. */
export interface NavigatingPage {
  readonly session: CdpSession;
  readonly frameId: string;
  isolatedContext(signal: AbortSignal): Promise<number>;
}

/**
 * Loads `url` in the page and waits for the asked-for moment.
 *
 * @throws {AppError} NAVIGATION_FAILED with Chromium's network error; OPERATION_TIMED_OUT after stopping the load
 */
export async function navigatePage(
  page: NavigatingPage,
  input: Required<Omit<Navigate, 'referer'>> & Pick<Navigate, 'referer'>,
  signal: AbortSignal,
): Promise<NavigateResult> {
  const { session, frameId } = page;
  const { url, waitUntil, timeoutMs, referer } = input;
  const startedAt = performance.now();
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  using lifecycle = followLifecycle(session, frameId, waitUntil);
  try {
    const started = await session.send('Page.navigate', { url, ...(referer && { referrer: referer }) }, deadline);
    if (started.errorText) throw navigationFailed(url, started.errorText.replace(/^net::/, ''));
    // Without a loader it was a move inside the document: there is nothing to wait for.
    if (started.loaderId !== undefined) {
      lifecycle.start(started.loaderId);
      await raceAbort(lifecycle.reached, deadline);
    }
    const totalMs = Math.round(performance.now() - startedAt);
    const {
      url: finalUrl,
      status,
      title,
      ...timing
    } = await describePage(session, () => page.isolatedContext(deadline), deadline);
    return { url: finalUrl, status, title, timing: { totalMs, ...timing } };
  } catch (error) {
    if (!isTimeout(error)) throw error;
    await session.send('Page.stopLoading').catch(() => undefined);
    throw new AppError('OPERATION_TIMED_OUT', `Loading was stopped after ${timeoutMs} ms, before ${waitUntil}`, {
      cause: error,
    });
  }
}
